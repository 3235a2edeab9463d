//! The keys that sign bundles, and their text forms.

use alloc::string::String;
use core::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, Signer as _, VerifyingKey};
use zeroize::Zeroizing;

use crate::Refusal;

const PUBLIC_PREFIX: &str = "ed25519:";

/// How the text of a private key begins.
pub const PRIVATE_PREFIX: &str = "ed25519-private:";

/// Who may sign bundles. Its text form is `ed25519:<base64 of 32 bytes>`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey(pub(crate) [u8; 32]);

/// Signs bundles. Erased from memory when dropped.
///
/// Its text form, the content of a signing key file, is the line
/// `ed25519-private:<base64 of the 32-byte seed>`.
pub struct SigningKey(ed25519_dalek::SigningKey);

/// Why a text is not a key. The text itself never appears in the message: it may be secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyTextError {
    /// What follows the prefix is not base64.
    #[error("what follows `{prefix}` is not standard base64 with padding")]
    Base64 {
        /// The prefix of this kind of key.
        prefix: &'static str,
    },
    /// There is nothing.
    #[error("it is empty, but should be `{prefix}` and 44 characters of base64")]
    Empty {
        /// The prefix of this kind of key.
        prefix: &'static str,
    },
    /// The number of bytes is wrong.
    #[error("what follows `{prefix}` is {found} bytes long instead of 32")]
    Length {
        /// The prefix of this kind of key.
        prefix: &'static str,
        /// How many bytes the base64 stands for.
        found: usize,
    },
    /// More than the one line.
    #[error("it has more than one line")]
    Lines,
    /// The bytes are not a point of the curve.
    #[error("its 32 bytes are not an Ed25519 public key")]
    NotAPoint,
    /// The text starts otherwise.
    #[error("it does not start with `{prefix}`")]
    Prefix {
        /// The prefix of this kind of key.
        prefix: &'static str,
    },
    /// A private key where a public one belongs.
    #[error("it is a private key; write the public one here, and replace this pair of keys")]
    Private,
    /// A public key where a private one belongs.
    #[error("it is a public key, which cannot sign")]
    Public,
    /// A key for which anyone is able to make signatures.
    #[error("it is a weak Ed25519 public key, for which anyone can make signatures")]
    Weak,
}

// === impl PublicKey ===

impl PublicKey {
    /// The 32 bytes of the key.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether this key made that signature, by the strict rules: no weak key, no second form of
    /// a signature.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        VerifyingKey::from_bytes(&self.0)
            .and_then(|key| key.verify_strict(message, &Signature::from_bytes(signature)))
            .is_ok()
    }
}

impl FromStr for PublicKey {
    type Err = KeyTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with(PRIVATE_PREFIX) {
            return Err(KeyTextError::Private);
        }
        let bytes = *decode(text, PUBLIC_PREFIX)?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| KeyTextError::NotAPoint)?;
        if key.is_weak() {
            return Err(KeyTextError::Weak);
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PUBLIC_PREFIX}{}", STANDARD.encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

// === impl SigningKey ===

impl SigningKey {
    /// The key that belongs to this seed, which must come from a cryptographic source of
    /// randomness and should be erased by its owner.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        let seed = Zeroizing::new(seed);
        Self(ed25519_dalek::SigningKey::from_bytes(&seed))
    }

    /// Reads the content of a signing key file. The line may end in a line break.
    ///
    /// # Errors
    ///
    /// The text is not a private key; the message says what it is instead.
    pub fn from_text(text: &str) -> Result<Self, KeyTextError> {
        let line = text.strip_suffix('\n').unwrap_or(text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.starts_with(PUBLIC_PREFIX) {
            return Err(KeyTextError::Public);
        }
        Ok(Self(ed25519_dalek::SigningKey::from_bytes(&*decode(line, PRIVATE_PREFIX)?)))
    }

    /// The line of a signing key file, without a line break. Erased when dropped.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        // The capacity is exact, so that no copy of the seed is left behind by growing.
        let mut text =
            Zeroizing::new(String::with_capacity(PRIVATE_PREFIX.len().saturating_add(44)));
        text.push_str(PRIVATE_PREFIX);
        STANDARD.encode_string(self.0.as_bytes(), &mut text);
        text
    }

    /// The key that verifies what this one signs.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// The signature of a [manifest's message](crate::Manifest::message).
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public())
    }
}

/// Whether one of the trusted keys has signed a message.
pub(crate) fn verify<'a>(
    message: &[u8],
    signatures: impl Iterator<Item = (&'a PublicKey, &'a [u8; 64])>,
    trusted: &[PublicKey],
) -> Result<(), Refusal> {
    let mut refusal = Refusal::UnknownSigner;
    for (key, signature) in signatures.filter(|(key, _)| trusted.contains(key)) {
        if key.verifies(message, signature) {
            return Ok(());
        }
        refusal = Refusal::BadSignature;
    }
    Err(refusal)
}

fn decode(line: &str, prefix: &'static str) -> Result<Zeroizing<[u8; 32]>, KeyTextError> {
    if line.is_empty() {
        return Err(KeyTextError::Empty { prefix });
    }
    if line.contains(['\n', '\r']) {
        return Err(KeyTextError::Lines);
    }
    let encoded = line.strip_prefix(prefix).ok_or(KeyTextError::Prefix { prefix })?;
    let bytes = STANDARD.decode(encoded).map_err(|_| KeyTextError::Base64 { prefix })?;
    let bytes = Zeroizing::new(bytes);
    let seed = bytes.as_array().ok_or(KeyTextError::Length { prefix, found: bytes.len() })?;
    Ok(Zeroizing::new(*seed))
}

#[cfg(test)]
mod tests {
    use alloc::{format, string::ToString};

    use super::*;

    #[test]
    fn the_text_forms_round_trip() {
        let key = SigningKey::from_seed([9; 32]);
        let text = key.to_text();
        assert_eq!(text.as_str(), "ed25519-private:CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=");
        for end in ["", "\n", "\r\n"] {
            let file = format!("{}{end}", text.as_str());
            assert_eq!(SigningKey::from_text(&file).unwrap().public(), key.public());
        }
        let public = key.public();
        assert_eq!(public.to_string().parse(), Ok(public));
    }

    /// RFC 8032, section 7.1, test 2.
    #[test]
    fn a_seed_gives_the_public_key_and_the_signature_of_the_standard() {
        let seed = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
        let public = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
        let hex = |text: &str| text.parse::<crate::Digest>().unwrap().0;
        let key = SigningKey::from_seed(hex(seed));
        assert_eq!(key.public(), PublicKey(hex(public)));
        let signature = key.sign(&[0x72]);
        assert!(key.public().verifies(&[0x72], &signature));
        assert!(!key.public().verifies(&[0x73], &signature));
    }

    #[test]
    fn a_text_that_is_no_private_key_is_told_what_it_is() {
        let public = SigningKey::from_seed([9; 32]).public().to_string();
        let prefix = PRIVATE_PREFIX;
        for (text, error) in [
            ("", KeyTextError::Empty { prefix }),
            ("\n", KeyTextError::Empty { prefix }),
            ("-----BEGIN PRIVATE KEY-----", KeyTextError::Prefix { prefix }),
            (&public, KeyTextError::Public),
            ("ed25519-private:", KeyTextError::Length { prefix, found: 0 }),
            ("ed25519-private:AAAA", KeyTextError::Length { prefix, found: 3 }),
            ("ed25519-private:A A", KeyTextError::Base64 { prefix }),
            ("ed25519-private:AAAA\nx", KeyTextError::Lines),
        ] {
            assert_eq!(SigningKey::from_text(text).unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn a_text_that_is_no_public_key_is_told_what_it_is() {
        let key = SigningKey::from_seed([9; 32]);
        let prefix = PUBLIC_PREFIX;
        let encode = |bytes: [u8; 32]| format!("ed25519:{}", STANDARD.encode(bytes));
        let mut identity = [0; 32];
        identity[0] = 1;
        let mut off_curve = [0; 32];
        off_curve[0] = 2;
        for (text, error) in [
            ("", KeyTextError::Empty { prefix }),
            (key.to_text().as_str(), KeyTextError::Private),
            ("rsa:AAAA", KeyTextError::Prefix { prefix }),
            (&encode(identity), KeyTextError::Weak),
            (&encode(off_curve), KeyTextError::NotAPoint),
            (encode([9; 32]).trim_end_matches('='), KeyTextError::Base64 { prefix }),
        ] {
            assert_eq!(text.parse::<PublicKey>().unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn debug_output_does_not_show_the_seed() {
        let key = SigningKey::from_seed([9; 32]);
        assert_eq!(format!("{key:?}"), format!("SigningKey({})", key.public()));
    }
}
