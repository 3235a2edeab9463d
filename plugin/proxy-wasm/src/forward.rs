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

/// Whether a header is one that only the filter sets. Some upstreams do not tell `_` from `-`.
pub fn is_own(name: &str) -> bool {
    let same = |(a, b): (u8, u8)| a == b || (a, b) == (b'_', b'-');
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

/// Says whose request it is.
fn introduce(permit: &Permit, passage: &Passage<'_>) -> [Change; 3] {
    [
        Change::Set("x-cedarkey-key-id", permit.key().to_string()),
        Change::Set("x-cedarkey-owner", header_value(passage.owner)),
        Change::Set("x-cedarkey-decision-id", passage.decision.to_owned()),
    ]
}

/// Removes keys from every place that may carry one, not only from the one that counted, and what
/// only the filter may say. A bearer token of another kind stays: it may be for the upstream.
fn strip(key: &str, places: &[Location], headers: &[Header]) -> Vec<Change> {
    let mut changes = Vec::new();
    for place in places {
        let values = credential::values(place, headers);
        if values.is_empty() {
            continue;
        }
        match place {
            Location::Header(name) => changes.push(Change::Remove(name.clone())),
            Location::Bearer => {
                let is_key = |value: &str| value == key || Token::parse(value).is_ok();
                if values.iter().flatten().any(|value| is_key(value)) {
                    changes.push(Change::Remove("authorization".into()));
                }
            }
            Location::Cookie(_) | Location::Query(_) => {}
        }
    }
    changes.extend(strip_cookies(places, headers));
    changes.extend(strip_query(places, headers));
    let own = headers.iter().filter(|(name, _)| is_own(name));
    changes.extend(own.map(|(name, _)| Change::Remove(name.clone())));
    changes
}

/// Removes keys from the cookies, of which several places may name one.
fn strip_cookies(places: &[Location], headers: &[Header]) -> Vec<Change> {
    let before: Vec<_> = credential::texts(headers, "cookie").collect();
    let mut after: Vec<_> = before.iter().map(|text| String::from(*text)).collect();
    for place in places {
        let Location::Cookie(name) = place else { continue };
        for text in after.iter_mut().filter(|text| cookie::values(text, name).next().is_some()) {
            *text = cookie::without(text, name);
        }
    }
    if before == after {
        return Vec::new();
    }
    after.retain(|text| !text.is_empty());
    let rest = (!after.is_empty()).then(|| Change::Set("cookie", after.join("; ")));
    [Change::Remove("cookie".into())].into_iter().chain(rest).collect()
}

/// Removes keys from the query, of which several places may name a parameter.
fn strip_query(places: &[Location], headers: &[Header]) -> Option<Change> {
    let (path, before) = credential::one(headers, ":path")?.split_once('?')?;
    let mut after = before.to_owned();
    for place in places {
        let Location::Query(name) = place else { continue };
        if query::values(&after, name).next().is_some() {
            after = query::without(&after, name);
        }
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
