//! Letting a request pass, which takes a permit.

use crate::config::Location;
use crate::credential;
use crate::headers::Headers;
use crate::host;
use cedarkey_engine::gate::Permit;
use cedarkey_engine::http::{cookie, percent_decode, query};
use cedarkey_engine::key::KEY_ID_LEN;
use cedarkey_engine::token::{MIN_LEN, Token};
use proxy_wasm::types::Action;
use std::borrow::Cow;

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
    /// The path and query, as sent.
    pub target: &'a str,
}

/// A change to the headers of a request.
#[derive(Debug, PartialEq, Eq)]
enum Change<'a> {
    Remove(&'a [u8]),
    Set(&'static str, String),
}

/// Where changes go.
type Changes<'a, 'go> = &'go mut dyn FnMut(Change<'a>);

/// The length from which on a key is taken out wherever it stands. What is shorter, of another
/// system, may stand there by chance.
const LONG: usize = 16;

/// Whether a header is one that only the filter sets. Some upstreams do not tell `_` from `-`, and
/// some take every other character for the same.
pub fn is_own(name: &[u8]) -> bool {
    let same = |(a, b): (&u8, u8)| *a == b || (b == b'-' && !a.is_ascii_alphanumeric());
    name.len() >= OWN.len() && name.iter().zip(OWN.bytes()).all(same)
}

/// Sends a request on: without its key, and with the headers that say whose it is.
pub fn forward(
    permit: Permit,
    passage: &Passage<'_>,
    places: &[Location],
    headers: &Headers,
) -> Action {
    strip(passage.key, passage.target, places, headers, &mut make);
    let set = host::set_request_header;
    set("x-cedarkey-key-id", permit.key().encode(&mut [0; KEY_ID_LEN]));
    set("x-cedarkey-owner", &header_value(passage.owner));
    set("x-cedarkey-decision-id", passage.decision);
    Action::Continue
}

fn make(change: Change<'_>) {
    match change {
        Change::Remove(name) => host::remove_request_header(name),
        Change::Set(name, value) => host::set_request_header(name, &value),
    }
}

/// Takes keys out of the target of a request that is denied, for targets are logged: this one, those
/// at places that may carry one, and whatever else has the form of one. Gives what is left of the
/// target, where that is another.
pub fn conceal(key: &str, places: &[Location], headers: &Headers) -> Option<String> {
    let target = headers.one(":path")?;
    // Most have no room for a key.
    let shortest = if key.is_empty() { MIN_LEN } else { MIN_LEN.min(key.len()) };
    if target.len() <= shortest && target.bytes().all(|byte| byte != b'?') {
        return None;
    }
    let shown = concealed(key, target, places)?;
    host::set_request_header(":path", &shown);
    Some(shown)
}

/// A target without keys, where it has any. Apart, as most denials need none.
#[inline(never)]
fn concealed(key: &str, target: &str, places: &[Location]) -> Option<String> {
    let is_secret =
        |part: &str| either_way(part, |text| has_token(text) || holds(text.as_bytes(), key));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut shown = Cow::Borrowed(path);
    if path.split('/').any(is_secret) {
        let shorn = path.split('/').map(|segment| if is_secret(segment) { "-" } else { segment });
        shown = shorn.collect::<Vec<_>>().join("/").into();
    }
    let kept = without_keys(query, places, &is_secret);
    (shown != path || kept != query).then(|| joined(&shown, &kept))
}

/// Removes from the trailers what must not be in the headers: some upstreams make no difference.
pub fn strip_trailers(places: &[Location], trailers: &Headers) {
    for (name, _) in trailers.iter() {
        if is_unwelcome(name, places) {
            host::remove_request_trailer(name);
        }
    }
}

/// Whether a trailer is of a name that only the filter sets, or under which keys are sent.
fn is_unwelcome(name: &[u8], places: &[Location]) -> bool {
    is_own(name) || matches!(name, b"authorization" | b"cookie") || carries(places, name)
}

/// Whether a header is one of the places where keys are sent.
fn carries(places: &[Location], name: &[u8]) -> bool {
    let is = |place: &Location| matches!(place, Location::Header(at) if at.as_bytes() == name);
    places.iter().any(is)
}

/// Removes keys from every place that may carry one, not only from the one that counted, the key of
/// this request from wherever it stands, and what only the filter may say. A bearer token of another
/// kind stays: it may be for the upstream.
fn strip<'a>(
    key: &str,
    target: &str,
    places: &[Location],
    headers: &'a Headers,
    go: Changes<'a, '_>,
) {
    let mut has_cookies = false;
    let is_stripped = |(name, value): (&[u8], &[u8])| match name {
        // Of these only a part is removed: see below.
        b"cookie" | [b':', ..] => false,
        b"authorization" if places.contains(&Location::Bearer) => holds_any(value, key),
        name => is_own(name) || carries(places, name) || holds(value, key),
    };
    let mut seen = headers.iter();
    while let Some((name, value)) = seen.next() {
        has_cookies |= name == b"cookie";
        // All of a name go at once, with the last of them.
        if is_stripped((name, value))
            && !seen.clone().any(|(other, value)| other == name && is_stripped((other, value)))
        {
            go(Change::Remove(name));
        }
    }
    if has_cookies {
        strip_cookies(key, places, headers, go);
    }
    strip_query(key, target, places, go);
}

/// Whether a value is this key, or holds it. Where there is no key, none does.
fn holds(value: &[u8], key: &str) -> bool {
    let key = key.as_bytes();
    let begins = |part: &[u8]| part.first() == key.first() && part == key;
    let is_in = || key.len() >= LONG && value.windows(key.len()).any(begins);
    !key.is_empty() && (value == key || is_in())
}

/// Whether it is so of a part of a target, as it stands there or percent-decoded.
fn either_way(part: &str, is: impl Fn(&str) -> bool) -> bool {
    let decoded = || percent_decode(part).is_some_and(|text| is(&text));
    is(part) || (part.contains('%') && decoded())
}

/// Whether a value holds this key or another. The proxy joins the values of a header that it knows,
/// such as `authorization`, and callers may write any scheme before a key.
fn holds_any(value: &[u8], key: &str) -> bool {
    let text = String::from_utf8_lossy(value);
    let is_bearer = || credential::bearer(&text).is_some_and(|token| token == key);
    holds(value, key) || is_bearer() || has_token(&text)
}

/// Whether a text has a token of this form in it, whoever's it is.
fn has_token(text: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.any(|word| Token::parse(word).is_ok())
}

/// Removes keys from the cookies, of which several places may name one. Apart, as most requests have
/// none.
#[inline(never)]
fn strip_cookies(key: &str, places: &[Location], headers: &Headers, go: Changes<'_, '_>) {
    let before: Vec<_> = headers.all("cookie").map(String::from_utf8_lossy).collect();
    let mut after: Vec<_> = before.iter().map(|text| String::from(&**text)).collect();
    for place in places {
        let Location::Cookie(name) = place else { continue };
        for text in after.iter_mut().filter(|text| cookie::values(text, name).next().is_some()) {
            *text = cookie::without(text, name);
        }
    }
    after.retain(|text| !text.is_empty() && !holds(text.as_bytes(), key));
    if before == after {
        return;
    }
    go(Change::Remove(b"cookie"));
    if !after.is_empty() {
        go(Change::Set("cookie", after.join("; ")));
    }
}

/// Removes keys from the query.
fn strip_query(key: &str, target: &str, places: &[Location], go: Changes<'_, '_>) {
    if target.bytes().any(|byte| byte == b'?') {
        stripped_query(key, target, places).into_iter().for_each(go);
    }
}

/// Apart, as most requests have no query.
#[inline(never)]
fn stripped_query(key: &str, target: &str, places: &[Location]) -> Option<Change<'static>> {
    let (path, query) = target.split_once('?')?;
    let is_secret = |pair: &str| either_way(pair, |text| holds(text.as_bytes(), key));
    let kept = without_keys(query, places, &is_secret);
    (kept != query).then(|| Change::Set(":path", joined(path, &kept)))
}

/// A query without what is at the places that may carry keys, of which several may name a parameter,
/// and without the pairs that are secret.
fn without_keys<'a>(
    query: &'a str,
    places: &[Location],
    is_secret: &dyn Fn(&str) -> bool,
) -> Cow<'a, str> {
    let mut kept = Cow::Borrowed(query);
    for place in places {
        let Location::Query(name) = place else { continue };
        if query::values(&kept, name).next().is_some() {
            kept = query::without(&kept, name).into();
        }
    }
    if kept.split('&').any(is_secret) {
        kept = kept.split('&').filter(|pair| !is_secret(pair)).collect::<Vec<_>>().join("&").into();
    }
    kept
}

/// The target of this path and query.
fn joined(path: &str, query: &str) -> String {
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{path}{mark}{query}")
}

/// Text that cannot end the header it is in.
fn header_value(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests;
