//! Who a case's caller has proved to be, besides its key.

use cedarkey_engine::gate::Claim;
use cedarkey_engine::model::ClaimKind;
use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The peer's certificate, as the proxy has verified it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsCase {
    /// The URI of its subject alternative name.
    pub peer: Option<String>,
    /// Its subject.
    pub subject: Option<String>,
}

/// A claim of a JWT that the proxy has verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ClaimCase {
    /// A boolean.
    Bool(bool),
    /// A number without a fraction.
    Long(i64),
    /// Text.
    String(String),
}

/// Reads a claim by what it looks like, so that an error names its place in the file.
struct ClaimVisitor;

// === impl ClaimCase ===

impl ClaimCase {
    /// The claim, if it is of the kind that the schema declares: a proxy gives no other.
    #[must_use]
    pub fn as_kind(&self, kind: ClaimKind) -> Option<Claim> {
        match (self, kind) {
            (Self::Bool(value), ClaimKind::Bool) => Some(Claim::Bool(*value)),
            (Self::Long(value), ClaimKind::Long) => Some(Claim::Long(*value)),
            (Self::String(value), ClaimKind::String) => Some(Claim::String(value.clone())),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for ClaimCase {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ClaimVisitor)
    }
}

// === impl ClaimVisitor ===

impl Visitor<'_> for ClaimVisitor {
    type Value = ClaimCase;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a whole number, `true` or `false`")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<ClaimCase, E> {
        Ok(ClaimCase::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<ClaimCase, E> {
        Ok(ClaimCase::Long(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<ClaimCase, E> {
        let long = i64::try_from(value).map_err(|_| E::custom("the number is too large"))?;
        Ok(ClaimCase::Long(long))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<ClaimCase, E> {
        Ok(ClaimCase::String(value.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_of_the_kind_that_it_looks_like() {
        let claims: Vec<ClaimCase> = serde_saphyr::from_str("[seven, \"7\", 7, -7, true]").unwrap();
        let text = |text: &str| ClaimCase::String(text.into());
        let expected = [text("seven"), text("7"), ClaimCase::Long(7), ClaimCase::Long(-7)];
        assert_eq!(claims[..4], expected);
        assert_eq!(claims[4], ClaimCase::Bool(true));
        assert!(serde_saphyr::from_str::<ClaimCase>("[1]").is_err());
        assert!(serde_saphyr::from_str::<ClaimCase>("1.5").is_err());
        assert!(serde_saphyr::from_str::<ClaimCase>("18446744073709551615").is_err());
    }

    #[test]
    fn a_claim_of_another_kind_is_not_there() {
        assert!(ClaimCase::Long(7).as_kind(ClaimKind::String).is_none());
        assert!(ClaimCase::String("7".into()).as_kind(ClaimKind::Long).is_none());
        assert!(matches!(ClaimCase::Long(7).as_kind(ClaimKind::Long), Some(Claim::Long(7))));
    }
}
