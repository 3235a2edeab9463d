//! The request headers that say what a client already has, how long it would wait, and what it
//! takes to be in force.

use std::time::Duration;

use axum::http::{HeaderMap, header};

use crate::store::Condition;

/// The longest time that a request is held.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// Whether the client has this version already: `If-None-Match`, by RFC 9110 section 13.1.2.
pub(crate) fn has(headers: &HeaderMap, etag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).iter();
    values.filter_map(|value| value.to_str().ok()).any(|list| {
        list.split(',').map(str::trim).any(|tag| {
            let opaque = tag.strip_prefix("W/").unwrap_or(tag);
            tag == "*" || opaque == etag
        })
    })
}

/// What must be in force for the request to be carried out: `If-Match`, by RFC 9110 section 13.1.1.
pub(crate) fn condition(headers: &HeaderMap) -> Option<Condition> {
    let mut values = headers.get_all(header::IF_MATCH).iter().peekable();
    values.peek()?;
    // What is no text names nothing, and so is never met.
    let lists = values.map(|value| value.to_str().unwrap_or_default());
    let etags = lists.flat_map(|list| list.split(',')).map(|tag| tag.trim().to_owned());
    Some(Condition { etags: etags.collect() })
}

/// How long the client would wait for a version it does not have: `Prefer: wait=N` in seconds,
/// by RFC 7240. What is not understood is ignored, as that standard demands.
pub(crate) fn wait(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all("prefer").iter();
    let preferences =
        values.filter_map(|value| value.to_str().ok()).flat_map(|list| list.split(','));
    let seconds = preferences.filter_map(|preference| {
        let (name, value) = preference.split(';').next()?.split_once('=')?;
        let value = value.trim().trim_matches('"');
        name.trim().eq_ignore_ascii_case("wait").then(|| value.parse::<u32>().ok())?
    });
    seconds.map(|seconds| Duration::from_secs(seconds.into()).min(MAX_WAIT)).next()
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(name: &'static str, values: &[&'static str]) -> HeaderMap {
        let name = HeaderName::from_static(name);
        values.iter().map(|value| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_client_has_what_it_names() {
        for (values, expected) in [
            (&["\"3-ab\""][..], true),
            (&["W/\"3-ab\""], true),
            (&["\"2-cd\", \"3-ab\""], true),
            (&["\"2-cd\"", "\"3-ab\""], true),
            (&["*"], true),
            (&["\"3-abc\""], false),
            (&["3-ab"], false),
            (&[""], false),
            (&[], false),
        ] {
            assert_eq!(has(&headers("if-none-match", values), "\"3-ab\""), expected, "{values:?}");
        }
    }

    #[test]
    fn a_condition_is_a_list_of_tags() {
        let tags = |values| condition(&headers("if-match", values)).map(|met| met.etags);
        assert_eq!(tags(&[]), None);
        assert_eq!(tags(&["*"]), Some(vec!["*".into()]));
        let two = Some(vec!["\"3-ab\"".into(), "\"2-cd\"".into()]);
        assert_eq!(tags(&["\"3-ab\", \"2-cd\""]), two);
        assert_eq!(tags(&["\"3-ab\"", "\"2-cd\""]), two);
        assert_eq!(tags(&[""]), Some(vec![String::new()]));
    }

    #[test]
    fn a_client_waits_as_long_as_it_says_and_no_longer_than_a_minute() {
        for (values, expected) in [
            (&["wait=10"][..], Some(10)),
            (&["respond-async, Wait = \"7\" ; x=y"], Some(7)),
            (&["respond-async", "wait=0"], Some(0)),
            (&["wait=4000000000"], Some(60)),
            (&["wait=5, wait=6"], Some(5)),
            (&["wait"], None),
            (&["wait=-1"], None),
            (&["wait=99999999999999999999"], None),
            (&["await=3"], None),
            (&[], None),
        ] {
            let expected = expected.map(Duration::from_secs);
            assert_eq!(wait(&headers("prefer", values)), expected, "{values:?}");
        }
    }
}
