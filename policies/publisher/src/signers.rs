//! Who may push what.

use std::{collections::BTreeMap, str::FromStr};

use cedarkey_bundle::{KeyTextError, PublicKey, is_bundle_name};

/// The keys that are accepted, for every bundle and for single ones.
#[derive(Clone, Debug, Default)]
pub struct Signers {
    all: Vec<PublicKey>,
    by_name: BTreeMap<String, Vec<PublicKey>>,
}

/// A key that may sign every bundle, or those of one name. Its text is `KEY` or `NAME=KEY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// The bundle's name, if it is for one alone.
    pub name: Option<String>,
    /// The key.
    pub key: PublicKey,
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
}

// === impl Signers ===

impl Signers {
    /// The keys of which one must have signed a bundle of this name.
    #[must_use]
    pub fn of(&self, name: &str) -> Vec<PublicKey> {
        let own = self.by_name.get(name).into_iter().flatten();
        self.all.iter().chain(own).copied().collect()
    }
}

impl FromIterator<Signer> for Signers {
    fn from_iter<T: IntoIterator<Item = Signer>>(signers: T) -> Self {
        let mut accepted = Self::default();
        for Signer { name, key } in signers {
            match name {
                Some(name) => accepted.by_name.entry(name).or_default().push(key),
                None => accepted.all.push(key),
            }
        }
        accepted
    }
}

// === impl Signer ===

impl FromStr for Signer {
    type Err = SignerTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // A key has a colon before its first equals sign, and a name has none at all.
        match text.split_once('=').filter(|(name, _)| !name.contains(':')) {
            Some((name, _)) if !is_bundle_name(name) => {
                Err(SignerTextError::Name { name: name.into() })
            }
            Some((name, key)) => Ok(Self { name: Some(name.into()), key: key.parse()? }),
            None => Ok(Self { name: None, key: text.parse()? }),
        }
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
        assert_eq!(signers.of("shop"), [key(1), key(2), key(3)]);
        assert_eq!(signers.of("other"), [key(1)]);
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
