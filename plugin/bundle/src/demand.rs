//! What somebody who may push a bundle asks of a publisher besides, signed by the same keys.

use alloc::{
    format,
    string::{String, ToString as _},
    vec::Vec,
};
use core::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{Digest, PublicKey, Refusal, is_bundle_name, signing};

/// Comes first in what is signed, so that no signature serves a second purpose.
const CONTEXT: &str = "cedarkey demand v1\0";

/// How the value of the header begins that carries the signatures.
const SCHEME: &str = "Cedarkey ";

/// The most signatures that are looked at.
const MAX_SIGNATURES: usize = 16;

/// What is signed: what is asked, of which bundle, when, and with which body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// What is asked, in letters, digits and `-`.
    pub what: String,
    /// The name of the bundle.
    pub bundle: String,
    /// When it is asked, in seconds since 1970-01-01T00:00:00Z.
    pub at: i64,
    /// Of the request's body.
    pub body: Digest,
}

/// When something was asked, and by whom: what the `Authorization` header says.
///
/// ```text
/// Cedarkey 1767225600 ed25519:<base64>=<base64 of the signature> ...
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signatures {
    /// When, in seconds since 1970-01-01T00:00:00Z.
    pub at: i64,
    /// Who, and the signature.
    pub by: Vec<(PublicKey, [u8; 64])>,
}

// === impl Demand ===

impl Demand {
    /// The bytes to sign.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        let Self { what, bundle, at, body } = self;
        format!("{CONTEXT}{what}\n{bundle}\n{at}\n{body}").into_bytes()
    }

    /// The demand that these bytes to sign are of; none, if they are of nothing.
    #[must_use]
    pub fn of_message(message: &[u8]) -> Option<Self> {
        let text = core::str::from_utf8(message).ok()?.strip_prefix(CONTEXT)?;
        let mut lines = text.split('\n');
        let demand = Self {
            what: lines.next()?.into(),
            bundle: lines.next()?.into(),
            at: lines.next()?.parse().ok()?,
            body: lines.next()?.parse().ok()?,
        };
        // Only what is written in the one form in which it is read.
        (is_bundle_name(&demand.bundle) && demand.message() == message).then_some(demand)
    }

    /// Whether one of the trusted keys has signed it.
    ///
    /// # Errors
    ///
    /// [`Refusal::UnknownSigner`] or [`Refusal::BadSignature`].
    pub fn verify(&self, trusted: &[PublicKey], signatures: &Signatures) -> Result<(), Refusal> {
        let signatures = signatures.by.iter().map(|(key, signature)| (key, signature));
        signing::verify(&self.message(), signatures, trusted)
    }
}

// === impl Signatures ===

impl Signatures {
    /// The value of the header.
    #[must_use]
    pub fn to_header(&self) -> String {
        let mut text = format!("{SCHEME}{}", self.at);
        for (key, signature) in self.by.iter().take(MAX_SIGNATURES) {
            // Writing to a string does not fail.
            let _ = write!(text, " {key}={}", STANDARD.encode(signature));
        }
        text
    }

    /// Reads the value of the header; none, if it is another.
    #[must_use]
    pub fn of_header(text: &str) -> Option<Self> {
        let mut words = text.strip_prefix(SCHEME)?.split(' ');
        let at = words.next()?.parse().ok()?;
        let by: Option<Vec<_>> = words.map(signature).take(MAX_SIGNATURES).collect();
        by.filter(|by| !by.is_empty()).map(|by| Self { at, by })
    }
}

fn signature(word: &str) -> Option<(PublicKey, [u8; 64])> {
    // Both are base64 of a known length, which ends in `=`.
    let length = PublicKey([0; 32]).to_string().len();
    let (key, signature) = word.split_at_checked(length)?;
    let signature = STANDARD.decode(signature.strip_prefix('=')?).ok()?;
    Some((key.parse().ok()?, signature.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SigningKey;

    fn demand() -> Demand {
        let body = Digest::of(b"");
        Demand { what: "findings".into(), bundle: "shop".into(), at: 1_767_225_600, body }
    }

    fn signed(demand: &Demand, seeds: &[u8]) -> Signatures {
        let sign = |seed: &u8| {
            let key = SigningKey::from_seed([*seed; 32]);
            (key.public(), key.sign(&demand.message()))
        };
        Signatures { at: demand.at, by: seeds.iter().map(sign).collect() }
    }

    #[test]
    fn what_is_signed_can_be_read() {
        assert_eq!(Demand::of_message(&demand().message()), Some(demand()));
        for wrong in [
            b"cedarkey manifest v1\0shop".to_vec(),
            [&demand().message()[..], b"\n"].concat(),
            Demand { bundle: "Shop".into(), ..demand() }.message(),
            b"cedarkey demand v1\0findings\nshop\n+5\n".to_vec(),
        ] {
            assert_eq!(Demand::of_message(&wrong), None);
        }
    }

    #[test]
    fn the_header_holds_all_signatures() {
        let signatures = signed(&demand(), &[1, 2]);
        let header = signatures.to_header();
        assert!(header.starts_with("Cedarkey 1767225600 ed25519:"), "{header}");
        assert_eq!(Signatures::of_header(&header), Some(signatures));
        for wrong in ["", "Bearer x", "Cedarkey", "Cedarkey 1", "Cedarkey x y", "Cedarkey 1 é"] {
            assert_eq!(Signatures::of_header(wrong), None, "{wrong}");
        }
        assert_eq!(Signatures::of_header(header.trim_end_matches('=')), None);
    }

    #[test]
    fn only_what_was_signed_is_verified() {
        let trusted = [1, 3].map(|seed| SigningKey::from_seed([seed; 32]).public());
        let signatures = signed(&demand(), &[2, 1]);
        assert_eq!(demand().verify(&trusted, &signatures), Ok(()));
        let untrusted = signed(&demand(), &[2]);
        assert_eq!(demand().verify(&trusted, &untrusted), Err(Refusal::UnknownSigner));
        for other in [
            Demand { what: "answered".into(), ..demand() },
            Demand { bundle: "other".into(), ..demand() },
            Demand { at: 1_767_225_601, ..demand() },
            Demand { body: Digest::of(b"x"), ..demand() },
        ] {
            assert_eq!(other.verify(&trusted, &signatures), Err(Refusal::BadSignature));
        }
    }
}
