//! Letting a request pass, which takes a permit.

use crate::config::Location;
use crate::credential;
use crate::headers::Headers;
use crate::host;
use cedarkey_engine::gate::Permit;
use cedarkey_engine::http::{cookie, percent_decode_lossy, query};
use cedarkey_engine::token::{BODY_LEN, LONG, MIN_LEN, Token, check_word, holds};
use proxy_wasm::types::Action;
use std::borrow::Cow;

/// How the headers begin that upstreams get, and callers cannot send.
const OWN: &str = "x-cedarkey-";

/// What is told to the upstream of a request that passes.
#[derive(Clone, Copy, Debug)]
pub struct Passage<'a> {
    /// The key, as the request presented it.
    pub key: &'a str,
    /// The id of the key.
    pub key_id: &'a str,
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
    /// All values of a header, in the place of those that it has.
    Keep(&'a [u8], Vec<Vec<u8>>),
    Set(&'static str, String),
}

/// What is logged of a request that is denied, without keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown<'a> {
    /// The method.
    pub method: Cow<'a, str>,
    /// The path and query.
    pub target: Cow<'a, str>,
}

/// Where changes go.
type Changes<'a, 'go> = &'go mut dyn FnMut(Change<'a>);

/// What stands where a key was.
const HIDDEN: &str = "-";

/// How often something may be percent-encoded, for a key to be found in it.
const DEPTH: usize = 3;

/// Whether a header is one that only the filter sets. Some upstreams do not tell `_` from `-`, and
/// some take every other character for the same.
pub fn is_own(name: &[u8]) -> bool {
    let same = |(a, b): (&u8, u8)| *a == b || (b == b'-' && !a.is_ascii_alphanumeric());
    name.len() >= OWN.len() && name.iter().zip(OWN.bytes()).all(same)
}

/// Sends a request on: without its key, and with the headers that say whose it is.
pub fn forward(_: Permit, passage: &Passage<'_>, places: &[Location], headers: &Headers) -> Action {
    strip(passage.key, passage.target, places, headers, &mut make);
    let set = host::set_request_header;
    set("x-cedarkey-key-id", passage.key_id);
    set("x-cedarkey-owner", &header_value(passage.owner));
    set("x-cedarkey-decision-id", passage.decision);
    Action::Continue
}

fn make(change: Change<'_>) {
    match change {
        Change::Remove(name) => host::remove_request_header(name),
        Change::Keep(name, values) => {
            host::remove_request_header(name);
            values.iter().for_each(|value| host::add_request_header(name, value));
        }
        Change::Set(name, value) => host::set_request_header(name, &value),
    }
}

/// Takes keys out of what is logged of a request that is denied: this one, those at places that may
/// carry one, and whatever else has the form of one.
pub fn conceal<'a>(key: &str, places: &[Location], headers: &'a Headers) -> Shown<'a> {
    let word = |text: &str| is_secret(text, key).then(|| HIDDEN.to_owned());
    let target = |text: &str| concealed(key, text, places);
    let mut shown = Shown::default();
    for (name, value) in headers.iter() {
        match name {
            // Nobody here tells it, but it is logged.
            b":authority" => drop(show(":authority", value, key, &word)),
            b":method" => shown.method = show(":method", value, key, &word),
            b":path" => shown.target = show(":path", value, key, &target),
            _ => {}
        }
    }
    shown
}

/// Conceals a part of the first line, and gives what is left of it.
fn show<'a>(
    name: &'static str,
    value: &'a [u8],
    key: &str,
    conceal: &dyn Fn(&str) -> Option<String>,
) -> Cow<'a, str> {
    // What is not text is logged all the same.
    let sent = String::from_utf8_lossy(value);
    // Most have no room for a key.
    let shortest = if key.is_empty() { MIN_LEN } else { MIN_LEN.min(key.len()) };
    if value.len() < shortest && !value.contains(&b'?') {
        return sent;
    }
    match conceal(&sent) {
        Some(shown) => {
            host::set_request_header(name, &shown);
            shown.into()
        }
        None => sent,
    }
}

/// A target without keys, where it has any. Apart, as most denials need none.
#[inline(never)]
fn concealed(key: &str, target: &str, places: &[Location]) -> Option<String> {
    let is_secret = |part: &str| is_secret(part, key);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut shown = Cow::Borrowed(path);
    if path.split('/').any(is_secret) {
        let shorn =
            path.split('/').map(|segment| if is_secret(segment) { HIDDEN } else { segment });
        shown = shorn.collect::<Vec<_>>().join("/").into();
    }
    let kept = without_keys(query, places, &is_secret);
    (shown != path || kept != query).then(|| joined(&shown, &kept))
}

/// Whether a part of a request that is denied holds this key, or what looks like one, however often
/// it is percent-encoded.
#[inline(never)]
fn is_secret(part: &str, key: &str) -> bool {
    let mut text = Cow::Borrowed(part);
    for _ in 0..=DEPTH {
        if has_form(&text) || holds(text.as_bytes(), key) {
            return true;
        }
        if !text.contains('%') {
            return false;
        }
        text = percent_decode_lossy(&text).into();
    }
    false
}

/// Removes from the trailers what must not be in the headers: some upstreams make no difference.
pub fn strip_trailers(places: &[Location], trailers: &Headers) {
    for (name, value) in trailers.iter() {
        if is_unwelcome((name, value), places) {
            host::remove_request_trailer(name);
        }
    }
}

/// Whether a trailer is of a name that only the filter sets, or under which keys are sent, or holds
/// a token: which key the request had is not known any more when trailers come.
fn is_unwelcome((name, value): (&[u8], &[u8]), places: &[Location]) -> bool {
    let is_named = matches!(name, b"authorization" | b"cookie") || carries(places, name);
    is_own(name) || is_named || has_token(&String::from_utf8_lossy(value))
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
    let goes = |(name, value): (&[u8], &[u8])| match name {
        b"authorization" if places.contains(&Location::Bearer) => holds_any(value, key),
        name => is_own(name) || carries(places, name),
    };
    let is_changed = |(name, value): (&[u8], &[u8])| match name {
        // Of these only a part is removed: see below.
        b"cookie" | [b':', ..] => false,
        _ => goes((name, value)) || holds(value, key),
    };
    let mut seen = headers.iter();
    while let Some((name, value)) = seen.next() {
        has_cookies |= name == b"cookie";
        // All of a name at once, with the last of them.
        let is_last =
            || !seen.clone().any(|(other, value)| other == name && is_changed((other, value)));
        if is_changed((name, value)) && is_last() {
            go(if goes((name, value)) { Change::Remove(name) } else { kept(name, key, headers) });
        }
    }
    if has_cookies {
        strip_cookies(key, places, headers, go);
    }
    strip_query(key, target, places, go);
}

/// What is left of a header that holds the key. The rest of it may be by a proxy before this one.
#[inline(never)]
fn kept<'a>(name: &'a [u8], key: &str, headers: &'a Headers) -> Change<'a> {
    let values = headers.iter().filter(|(other, _)| *other == name).map(|(_, value)| value);
    let kept: Vec<_> = values.filter_map(|value| without_key(value, key)).collect();
    if kept.is_empty() { Change::Remove(name) } else { Change::Keep(name, kept) }
}

/// A value without the key; nothing, where it is the key.
fn without_key(value: &[u8], key: &str) -> Option<Vec<u8>> {
    if value == key.as_bytes() {
        return None;
    }
    let mut kept = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((first, tail)) = rest.split_first() {
        match rest.strip_prefix(key.as_bytes()).filter(|_| key.len() >= LONG) {
            Some(after) => {
                kept.extend_from_slice(HIDDEN.as_bytes());
                rest = after;
            }
            None => {
                kept.push(*first);
                rest = tail;
            }
        }
    }
    Some(kept)
}

/// Whether it is so of a part of a target, as it stands there or percent-decoded.
fn either_way(part: &str, is: impl Fn(&str) -> bool) -> bool {
    is(part) || (part.contains('%') && is(&percent_decode_lossy(part)))
}

/// Whether a value holds this key or another. The proxy joins the values of a header that it knows,
/// such as `authorization`, and callers may write any scheme before a key.
fn holds_any(value: &[u8], key: &str) -> bool {
    let text = String::from_utf8_lossy(value);
    let is_bearer = || credential::bearer(&text).is_some_and(|token| token == key);
    holds(value, key) || is_bearer() || has_token(&text)
}

/// Whether a text has something in it that looks like a token, checksum or not, whatever it is glued to.
fn has_form(text: &str) -> bool {
    let mut words = text.split('_');
    let (mut before, mut middle) =
        (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    for word in words {
        let body = word.bytes().take_while(u8::is_ascii_alphanumeric).take(BODY_LEN).count();
        let is_prefixed = before.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        if body == BODY_LEN && is_prefixed && check_word(middle).is_ok() {
            return true;
        }
        (before, middle) = (middle, word);
    }
    false
}

/// Whether a text has a token in it, whoever's it is.
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
