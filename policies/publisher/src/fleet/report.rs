//! What a proxy says of itself when it asks for a bundle.

use axum::http::HeaderMap;
use percent_encoding::percent_decode_str;
use serde::Serialize;

/// The header that names the proxy; without it there is no report.
const NODE: &str = "x-cedarkey-node";

/// The longest name of a proxy, in bytes, once it is decoded and before.
const MAX_NODE: usize = 256;

/// The longest of the other texts, in bytes.
const MAX_WORD: usize = 64;

/// A proxy and what it has in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Report {
    pub(crate) node: String,
    /// The filter's version.
    pub(crate) filter: Option<String>,
    /// The version in force.
    pub(crate) version: Option<i64>,
    /// Since when it has been, in seconds since 1970-01-01T00:00:00Z by the proxy's clock.
    pub(crate) since: Option<i64>,
    /// Why the last bundle was not taken.
    pub(crate) error: Option<String>,
}

// === impl Report ===

impl Report {
    /// Reads the headers of a request. Anybody may send them, so what makes no sense is left out; it
    /// never fails the request.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let text = |name| headers.get(name)?.to_str().ok();
        let node = text(NODE).filter(|node| node.len() <= 3 * MAX_NODE)?;
        let node = percent_decode_str(node).decode_utf8().ok()?;
        if node.is_empty() || node.len() > MAX_NODE || node.chars().any(char::is_control) {
            return None;
        }
        let word = |name| text(name).filter(|word| is_word(word)).map(String::from);
        let active = text("x-cedarkey-active").and_then(active);
        Some(Self {
            node: node.into_owned(),
            filter: word("x-cedarkey-filter"),
            version: active.map(|(version, _)| version),
            since: active.map(|(_, since)| since),
            error: word("x-cedarkey-error"),
        })
    }
}

/// A version and since when: `<version>;since=<seconds>`.
fn active(text: &str) -> Option<(i64, i64)> {
    let (version, since) = text.split_once(";since=")?;
    let version: i64 = version.parse().ok()?;
    let since: i64 = since.parse().ok()?;
    (version >= 0 && since >= 0).then_some((version, since))
}

/// Whether it may stand in a log and on a terminal.
fn is_word(text: &str) -> bool {
    (1..=MAX_WORD).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn of(headers: &[(&'static str, &str)]) -> Option<Report> {
        let headers = headers.iter().map(|(name, value)| {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            (HeaderName::from_static(name), value)
        });
        Report::of(&headers.collect())
    }

    #[test]
    fn a_proxy_says_what_it_has() {
        let report = of(&[
            ("x-cedarkey-node", "edge%201%2Fz%C3%BCrich"),
            ("x-cedarkey-filter", "0.1.0"),
            ("x-cedarkey-active", "7;since=1767225600"),
            ("x-cedarkey-error", "unknown_signer"),
        ]);
        let expected = Report {
            node: "edge 1/zürich".into(),
            filter: Some("0.1.0".into()),
            version: Some(7),
            since: Some(1_767_225_600),
            error: Some("unknown_signer".into()),
        };
        assert_eq!(report, Some(expected));
    }

    #[test]
    fn what_makes_no_sense_is_left_out() {
        let long = "x".repeat(257);
        for node in ["", "%FF", "a%0Ab", "%00", long.as_str(), "é"] {
            assert_eq!(of(&[("x-cedarkey-node", node)]), None, "{node}");
        }
        assert_eq!(of(&[("x-cedarkey-filter", "0.1.0")]), None);
        let bare = of(&[("x-cedarkey-node", "a")]).unwrap();
        for (name, value) in [
            ("x-cedarkey-active", "7"),
            ("x-cedarkey-active", "-1;since=5"),
            ("x-cedarkey-active", "7;since="),
            ("x-cedarkey-active", "99999999999999999999;since=5"),
            ("x-cedarkey-error", "two words"),
            ("x-cedarkey-error", &long),
            ("x-cedarkey-filter", "\u{e9}"),
        ] {
            assert_eq!(
                of(&[("x-cedarkey-node", "a"), (name, value)]),
                Some(bare.clone()),
                "{value}"
            );
        }
    }
}
