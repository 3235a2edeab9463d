//! Who may push what.

use std::{collections::BTreeMap, str::FromStr};

use cedarkey_bundle::{KeyTextError, PublicKey, is_bundle_name};
use jiff::Timestamp;

/// The keys that are accepted, for every bundle and for single ones.
#[derive(Clone, Debug, Default)]
pub struct Signers {
    all: Vec<Signer>,
    by_name: BTreeMap<String, Vec<Signer>>,
}

/// A key that may sign every bundle, or those of one name. Its text is `KEY` or `NAME=KEY`, each of
/// which `,not_before=TIME` and `,not_after=TIME` may follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// The bundle's name, if it is for one alone.
    pub name: Option<String>,
    /// The key.
    pub key: PublicKey,
    /// The first instant at which it is accepted.
    pub not_before: Option<Timestamp>,
    /// The first instant at which it no longer is.
    pub not_after: Option<Timestamp>,
}

/// Why a text is not a [`Signer`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignerTextError {
    /// What should be the key is none.
    #[error("it is not a public key: {0}")]
    Key(#[from] KeyTextError),
    /// What should be the name is none.
    #[error("`{name}` is not a bundle name, which is 1 to 64 of `a`-`z`, `0`-`9` and `-`")]
    Name {
        /// What stands in its place.
        name: String,
    },
    /// What follows the key is none of the two times.
    #[error(
        "`{text}` is not `not_before=` or `not_after=` and an instant, as 2027-01-31T00:00:00Z"
    )]
    Time {
        /// What stands in its place.
        text: String,
    },
}

// === impl Signers ===

impl Signers {
    /// The keys of which one must have signed a bundle of this name, at an instant in seconds since
    /// 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn of(&self, name: &str, now: i64) -> Vec<PublicKey> {
        let own = self.by_name.get(name).into_iter().flatten();
        let valid = self.all.iter().chain(own).filter(|signer| signer.holds_at(now));
        valid.map(|signer| signer.key).collect()
    }
}

impl FromIterator<Signer> for Signers {
    fn from_iter<T: IntoIterator<Item = Signer>>(signers: T) -> Self {
        let mut accepted = Self::default();
        for signer in signers {
            match &signer.name {
                Some(name) => accepted.by_name.entry(name.clone()).or_default().push(signer),
                None => accepted.all.push(signer),
            }
        }
        accepted
    }
}

// === impl Signer ===

impl Signer {
    fn holds_at(&self, now: i64) -> bool {
        self.not_before.is_none_or(|from| from.as_second() <= now)
            && self.not_after.is_none_or(|until| now < until.as_second())
    }
}

impl From<PublicKey> for Signer {
    /// For every bundle, and at all times.
    fn from(key: PublicKey) -> Self {
        Self { name: None, key, not_before: None, not_after: None }
    }
}

impl FromStr for Signer {
    type Err = SignerTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split(',');
        let first = parts.next().unwrap_or_default();
        // A key has a colon before its first equals sign, and a name has none at all.
        let mut signer = match first.split_once('=').filter(|(name, _)| !name.contains(':')) {
            Some((name, _)) if !is_bundle_name(name) => {
                return Err(SignerTextError::Name { name: name.into() });
            }
            Some((name, key)) => {
                Self { name: Some(name.into()), ..Self::from(key.parse::<PublicKey>()?) }
            }
            None => Self::from(first.parse::<PublicKey>()?),
        };
        for part in parts {
            let wrong = || SignerTextError::Time { text: part.into() };
            let (name, instant) = part.split_once('=').ok_or_else(wrong)?;
            let instant = Some(instant.parse().map_err(|_| wrong())?);
            match name {
                "not_before" => signer.not_before = instant,
                "not_after" => signer.not_after = instant,
                _ => return Err(wrong()),
            }
        }
        Ok(signer)
    }
}

#[cfg(test)]
mod tests {
    use cedarkey_bundle::SigningKey;

    use super::*;

    fn key(seed: u8) -> PublicKey {
        SigningKey::from_seed([seed; 32]).public()
    }

    #[test]
    fn a_key_is_for_every_bundle_or_for_one() {
        let texts = [key(1).to_string(), format!("shop={}", key(2)), format!("shop={}", key(3))];
        let signers: Signers = texts.iter().map(|text| text.parse::<Signer>().unwrap()).collect();
        assert_eq!(signers.of("shop", 0), [key(1), key(2), key(3)]);
        assert_eq!(signers.of("other", 0), [key(1)]);
    }

    #[test]
    fn a_key_is_accepted_from_when_until_when() {
        let texts = [
            format!("{},not_after=2027-01-01T00:00:00Z", key(1)),
            format!("shop={},not_before=2026-12-01T00:00:00Z", key(2)),
        ];
        let signers: Signers = texts.iter().map(|text| text.parse::<Signer>().unwrap()).collect();
        let at = |text: &str| signers.of("shop", text.parse::<Timestamp>().unwrap().as_second());
        assert_eq!(at("2026-11-30T23:59:59Z"), [key(1)]);
        assert_eq!(at("2026-12-01T00:00:00Z"), [key(1), key(2)]);
        assert_eq!(at("2027-01-01T00:00:00Z"), [key(2)]);
        for wrong in ["soon", "not_after=soon", "until=2027-01-01T00:00:00Z", ""] {
            let error = format!("{},{wrong}", key(1)).parse::<Signer>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{wrong}` is not `not_before=`")), "{error}");
        }
    }

    #[test]
    fn other_texts_are_told_what_they_are() {
        let error = |text: String| text.parse::<Signer>().unwrap_err().to_string();
        assert!(error(format!("Shop={}", key(1))).starts_with("`Shop` is not a bundle name"));
        assert!(error(format!("={}", key(1))).starts_with("`` is not a bundle name"));
        for text in ["shop=", "shop=ed25519:AAAA", "shop", ""] {
            let error = error(text.into());
            assert!(error.starts_with("it is not a public key: "), "{text}: {error}");
        }
    }
}
