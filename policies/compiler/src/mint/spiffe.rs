//! SPIFFE ids: <https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE-ID.md>

use serde::Deserialize;
use serde_json::Value as Json;
use std::fmt;
use std::str::FromStr;

/// A SPIFFE id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SpiffeId(String);

/// A SPIFFE id with holes for claims: `spiffe://example.com/ns/{/kubernetes.io/namespace}`. What is
/// in braces is a JSON Pointer (RFC 6901) into the claims of a JWT, whose value must be a string
/// that can be one segment of a path.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct SpiffeTemplate(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// A pointer to a claim.
    Claim(String),
}

/// Why something is no SPIFFE id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpiffeError {
    /// A claim that is to be part of one is not there, or no string.
    #[error("the claim `{0}` is not there, or is not text")]
    Claim(String),
    /// A claim that is to be part of one has what no segment of a path has.
    #[error("the claim `{0}` has characters that a SPIFFE id's segment cannot have")]
    Segment(String),
    /// It is none.
    #[error("`{0}` is not a SPIFFE id")]
    Text(String),
}

/// The longest, in bytes (section 2.3).
const MAX: usize = 2048;

/// Whether a text can be a trust domain (section 2.1).
#[must_use]
pub fn is_trust_domain(text: &str) -> bool {
    let is_good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
    (1..=255).contains(&text.len()) && text.bytes().all(is_good)
}

/// RFC 6901, section 3.
fn is_pointer(text: &str) -> bool {
    let escapes = text.split('~').skip(1);
    text.starts_with('/') && escapes.into_iter().all(|rest| rest.starts_with(['0', '1']))
}

fn is_segment(text: &str) -> bool {
    let is_good = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    !text.is_empty() && text != "." && text != ".." && text.bytes().all(is_good)
}

// === impl SpiffeId ===

impl SpiffeId {
    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its trust domain.
    #[must_use]
    pub fn trust_domain(&self) -> &str {
        let rest = self.0.strip_prefix("spiffe://").unwrap_or_default();
        rest.split('/').next().unwrap_or_default()
    }
}

impl FromStr for SpiffeId {
    type Err = SpiffeError;

    fn from_str(text: &str) -> Result<Self, SpiffeError> {
        let is_id = text.strip_prefix("spiffe://").is_some_and(|rest| {
            let (domain, path) = rest.split_once('/').unzip();
            is_trust_domain(domain.unwrap_or(rest))
                && path.is_none_or(|path| path.split('/').all(is_segment))
        });
        if is_id && text.len() <= MAX {
            Ok(Self(text.into()))
        } else {
            Err(SpiffeError::Text(text.into()))
        }
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl SpiffeTemplate ===

impl SpiffeTemplate {
    /// The id that a JWT with these claims names.
    ///
    /// # Errors
    ///
    /// A claim is missing, or would be more than one segment of the path: it never reaches beyond
    /// its place.
    pub fn fill(&self, claims: &Json) -> Result<SpiffeId, SpiffeError> {
        let mut id = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => id.push_str(text),
                Part::Claim(pointer) => {
                    let value = claims.pointer(pointer).and_then(Json::as_str);
                    let value = value.ok_or_else(|| SpiffeError::Claim(pointer.clone()))?;
                    if !is_segment(value) {
                        return Err(SpiffeError::Segment(pointer.clone()));
                    }
                    id.push_str(value);
                }
            }
        }
        id.parse()
    }
}

impl TryFrom<String> for SpiffeTemplate {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = |why: &str| Err(format!("`{text}` cannot be `spiffe_id`: {why}"));
        let mut parts = Vec::new();
        let mut rest = text.as_str();
        while let Some((before, behind)) = rest.split_once('{') {
            let Some((pointer, after)) = behind.split_once('}') else {
                return wrong("a `{` has no `}`");
            };
            if !is_pointer(pointer) {
                return wrong("in braces are JSON Pointers to claims, as in `{/sub}`");
            }
            parts.push(Part::Text(before.into()));
            parts.push(Part::Claim(pointer.into()));
            rest = after;
        }
        parts.push(Part::Text(rest.into()));
        // With any segment in the holes it must be an id, and the trust domain is nobody's to fill.
        let filled = |with: &str| -> String {
            let parts = parts.iter().map(|part| match part {
                Part::Text(text) => text.as_str(),
                Part::Claim(_) => with,
            });
            parts.collect()
        };
        // Two in one segment could be filled in several ways with the same outcome.
        if filled("{}").split('/').any(|segment| segment.matches("{}").count() > 1) {
            return wrong("each segment of the path is filled by one claim at most");
        }
        let domain = text.strip_prefix("spiffe://").and_then(|rest| rest.split('/').next());
        if !domain.is_some_and(is_trust_domain) {
            return wrong("it begins with `spiffe://` and a trust domain");
        }
        if filled("x").parse::<SpiffeId>().is_err() {
            return wrong("it is no SPIFFE id, whatever the claims are");
        }
        Ok(Self(parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn template(text: &str) -> Result<SpiffeTemplate, String> {
        String::from(text).try_into()
    }

    #[test]
    fn ids_are_what_the_standard_says() {
        for good in ["spiffe://example.com", "spiffe://a_b.c-d/ns/x/sa/y.Z_9-"] {
            assert_eq!(good.parse::<SpiffeId>().unwrap().as_str(), good);
        }
        let long = format!("spiffe://example.com/{}", "a".repeat(2048));
        for bad in [
            "",
            "https://example.com/a",
            "SPIFFE://example.com/a",
            "spiffe://",
            "spiffe:///a",
            "spiffe://Example.com/a",
            "spiffe://example.com/",
            "spiffe://example.com/a/",
            "spiffe://example.com//a",
            "spiffe://example.com/a/../b",
            "spiffe://example.com/.",
            "spiffe://example.com:8443/a",
            "spiffe://user@example.com/a",
            "spiffe://example.com/a?b",
            "spiffe://example.com/a%20b",
            &long,
        ] {
            assert!(bad.parse::<SpiffeId>().is_err(), "{bad}");
        }
        let id: SpiffeId = "spiffe://example.com/a".parse().unwrap();
        assert_eq!(id.trust_domain(), "example.com");
    }

    #[test]
    fn a_template_is_filled_with_segments_and_nothing_else() {
        let template =
            template("spiffe://cluster.local/ns/{/kubernetes.io/namespace}/sa/{/sub}").unwrap();
        let claims =
            |ns: Json, sub: &str| json!({ "kubernetes.io": { "namespace": ns }, "sub": sub });
        let id = template.fill(&claims(json!("shop"), "exporter")).unwrap();
        assert_eq!(id.as_str(), "spiffe://cluster.local/ns/shop/sa/exporter");
        for (ns, sub) in [
            (json!("shop/sa/admin"), "x"),
            (json!(".."), "x"),
            (json!(""), "x"),
            (json!(7), "x"),
            (json!(null), "x"),
            (json!("shop"), "a b"),
            (json!("shop"), "{/sub}"),
            (json!("sh\u{f6}p"), "x"),
        ] {
            assert!(template.fill(&claims(ns.clone(), sub)).is_err(), "{ns} {sub}");
        }
        assert!(template.fill(&json!({})).is_err());
    }

    #[test]
    fn a_template_pins_its_trust_domain() {
        for bad in [
            "spiffe://{/iss}/a",
            "{/sub}",
            "spiffe://example.com/{sub}",
            "spiffe://example.com/{/sub",
            "spiffe://example.com//{/sub}",
            "spiffe://example.com/{/sub}/",
            "https://example.com/{/sub}",
            "spiffe://example.com/{/a}-{/b}",
            "spiffe://example.com/{/a}{/b}",
            "spiffe://example.com/{/a~2b}",
            "spiffe://example.com/{}",
        ] {
            assert!(template(bad).is_err(), "{bad}");
        }
        assert!(template("spiffe://example.com/ns-{/a}/{/b~1c}").is_ok());
    }
}
