//! Letting a request pass, which takes a permit.

use crate::config::Location;
use crate::credential;
use crate::host::{self, Header};
use cedarkey_engine::gate::Permit;
use cedarkey_engine::http::{cookie, query};
use cedarkey_engine::token::Token;
use proxy_wasm::types::Action;

/// How the headers begin that upstreams get, and callers cannot send.
const OWN: &str = "x-cedarkey-";

/// What is told to the upstream of a request that passes.
#[derive(Clone, Copy, Debug)]
pub struct Passage<'a> {
    /// The key, as the request presented it.
    pub key: &'a str,
    /// Who answers for the key.
    pub owner: &'a str,
    /// The id of the decision.
    pub decision: &'a str,
}

/// A change to the headers of a request.
#[derive(Debug, PartialEq, Eq)]
enum Change {
    Remove(String),
    Set(&'static str, String),
}

/// The length from which on a key is taken out wherever it stands. What is shorter, of another
/// system, may stand there by chance.
const LONG: usize = 16;

/// Whether a header is one that only the filter sets. Some upstreams do not tell `_` from `-`, and
/// some take every other character for the same.
pub fn is_own(name: &str) -> bool {
    let same = |(a, b): (u8, u8)| a == b || (b == b'-' && !a.is_ascii_alphanumeric());
    name.len() >= OWN.len() && name.bytes().zip(OWN.bytes()).all(same)
}

/// Sends a request on: without its key, and with the headers that say whose it is.
pub fn forward(
    permit: Permit,
    passage: &Passage<'_>,
    places: &[Location],
    headers: &[Header],
) -> Action {
    let mut changes = strip(passage.key, places, headers);
    changes.extend(introduce(&permit, passage));
    for change in &changes {
        match change {
            Change::Remove(name) => host::remove_request_header(name),
            Change::Set(name, value) => host::set_request_header(name, value),
        }
    }
    Action::Continue
}

/// Takes keys out of the path of a request that is denied, for paths are logged.
pub fn conceal(places: &[Location], headers: &[Header]) {
    if let Some(Change::Set(name, value)) = strip_query("", places, headers) {
        host::set_request_header(name, &value);
    }
}

/// Removes from the trailers what must not be in the headers: some upstreams make no difference.
pub fn strip_trailers(places: &[Location]) {
    for (name, _) in host::request_trailers() {
        if is_unwelcome(&name, places) {
            host::remove_request_trailer(&name);
        }
    }
}

/// Whether a trailer is of a name that only the filter sets, or under which keys are sent.
fn is_unwelcome(name: &str, places: &[Location]) -> bool {
    let carries = |place: &Location| matches!(place, Location::Header(other) if other == name);
    is_own(name) || matches!(name, "authorization" | "cookie") || places.iter().any(carries)
}

/// Says whose request it is.
fn introduce(permit: &Permit, passage: &Passage<'_>) -> [Change; 3] {
    [
        Change::Set("x-cedarkey-key-id", permit.key().to_string()),
        Change::Set("x-cedarkey-owner", header_value(passage.owner)),
        Change::Set("x-cedarkey-decision-id", passage.decision.to_owned()),
    ]
}

/// Removes keys from every place that may carry one, not only from the one that counted, the key of
/// this request from wherever it stands, and what only the filter may say. A bearer token of another
/// kind stays: it may be for the upstream.
fn strip(key: &str, places: &[Location], headers: &[Header]) -> Vec<Change> {
    let is_stripped = |(name, value): &&Header| match name.as_str() {
        // Of these only a part is removed: see below.
        "cookie" => false,
        name if name.starts_with(':') => false,
        "authorization" if places.contains(&Location::Bearer) => holds_any(value, key),
        name => {
            let carries = |place: &Location| matches!(place, Location::Header(n) if n == name);
            is_own(name) || places.iter().any(carries) || holds(value, key)
        }
    };
    let mut changes: Vec<Change> = Vec::new();
    for (name, _) in headers.iter().filter(is_stripped) {
        let change = Change::Remove(name.clone());
        if !changes.contains(&change) {
            changes.push(change);
        }
    }
    changes.extend(strip_cookies(key, places, headers));
    changes.extend(strip_query(key, places, headers));
    changes
}

/// Whether a value is this key, or holds it.
fn holds(value: &[u8], key: &str) -> bool {
    let key = key.as_bytes();
    value == key || (key.len() >= LONG && value.windows(key.len()).any(|part| part == key))
}

/// Whether a value holds this key or another. The proxy joins the values of a header that it knows,
/// such as `authorization`, and callers may write any scheme before a key.
fn holds_any(value: &[u8], key: &str) -> bool {
    let text = String::from_utf8_lossy(value);
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let is_bearer = || credential::bearer(&text).is_some_and(|token| token == key);
    holds(value, key) || is_bearer() || words.any(|word| Token::parse(word).is_ok())
}

/// Removes keys from the cookies, of which several places may name one.
fn strip_cookies(key: &str, places: &[Location], headers: &[Header]) -> Vec<Change> {
    let before: Vec<_> =
        credential::all(headers, "cookie").map(|value| String::from_utf8_lossy(value)).collect();
    let mut after: Vec<_> = before.iter().map(|text| String::from(&**text)).collect();
    for place in places {
        let Location::Cookie(name) = place else { continue };
        for text in after.iter_mut().filter(|text| cookie::values(text, name).next().is_some()) {
            *text = cookie::without(text, name);
        }
    }
    after.retain(|text| !text.is_empty() && !holds(text.as_bytes(), key));
    if before == after {
        return Vec::new();
    }
    let rest = (!after.is_empty()).then(|| Change::Set("cookie", after.join("; ")));
    [Change::Remove("cookie".into())].into_iter().chain(rest).collect()
}

/// Removes keys from the query, of which several places may name a parameter.
fn strip_query(key: &str, places: &[Location], headers: &[Header]) -> Option<Change> {
    let (path, before) = credential::one(headers, ":path")?.split_once('?')?;
    let mut after = before.to_owned();
    for place in places {
        let Location::Query(name) = place else { continue };
        if query::values(&after, name).next().is_some() {
            after = query::without(&after, name);
        }
    }
    if holds(after.as_bytes(), key) {
        let kept: Vec<_> = after.split('&').filter(|pair| !holds(pair.as_bytes(), key)).collect();
        after = kept.join("&");
    }
    if after == before {
        return None;
    }
    let mark = if after.is_empty() { "" } else { "?" };
    Some(Change::Set(":path", format!("{path}{mark}{after}")))
}

/// Text that cannot end the header it is in.
fn header_value(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests;
