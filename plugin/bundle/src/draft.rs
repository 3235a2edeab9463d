//! A bundle that is still to be signed.

use alloc::{string::String, vec::Vec};

use crate::{
    Archive, DecodeError, Digest, ENGINE, Envelope, Manifest, PublicKey, SegmentKind, SegmentRef,
    SigningKey, What, envelope, is_bundle_name, manifest::MAX_MANIFEST,
};

/// What a compiler hands over to be signed.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The bundle's name: see [`is_bundle_name`].
    pub name: String,
    /// Above the version of every earlier bundle of that name.
    pub version: u64,
    /// When it was built, in seconds since 1970-01-01T00:00:00Z.
    pub created: i64,
    /// The first instant at which it no longer holds, in seconds since 1970-01-01T00:00:00Z.
    pub expires: i64,
    /// The segments, in the order in which they are to be stored.
    pub segments: Vec<(SegmentKind, Vec<u8>)>,
}

/// Why a draft cannot be signed. The caller is at fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DraftError {
    /// A signature that was made elsewhere is not one of the manifest.
    #[error("what was to be a signature by `{key}` is none of this bundle")]
    BadSignature {
        /// The key.
        key: PublicKey,
    },
    /// One key is to sign twice.
    #[error("the same signing key is given twice")]
    DuplicateSigner,
    /// It would never hold.
    #[error("the bundle would expire before it is created")]
    Lifetime,
    /// The manifest would not be read.
    #[error("{segments} segments are more than a manifest can name")]
    ManifestTooLong {
        /// How many segments there are.
        segments: usize,
    },
    /// The name is not one.
    #[error("`{name}` is not a bundle name, which is 1 to 64 of `a`-`z`, `0`-`9` and `-`")]
    Name {
        /// The name given.
        name: String,
    },
    /// Nobody is to sign.
    #[error("there is no key to sign with")]
    NoSigner,
    /// A segment is longer than its length field can say.
    #[error("a `{kind}` segment is {length} bytes long, more than the format allows")]
    SegmentTooLong {
        /// What the segment holds.
        kind: SegmentKind,
        /// Its length in bytes.
        length: usize,
    },
    /// More keys than an envelope has room for.
    #[error("{count} keys are to sign, and 255 is the most an envelope has room for")]
    TooManySigners {
        /// How many keys there are.
        count: usize,
    },
}

// === impl Draft ===

impl Draft {
    /// Makes the manifest and signs it with every key.
    ///
    /// # Errors
    ///
    /// The draft or the list of keys would make a bundle that nothing reads.
    pub fn sign(self, keys: &[&SigningKey]) -> Result<Archive, DraftError> {
        let (manifest, segments) = self.into_parts()?;
        Ok(Archive { envelope: manifest.sign(keys)?, segments })
    }

    /// The manifest, and the segments that it names, for whoever signs by other means.
    ///
    /// # Errors
    ///
    /// A segment is too long.
    pub fn into_parts(self) -> Result<(Manifest, Vec<Vec<u8>>), DraftError> {
        let mut refs = Vec::new();
        let mut segments = Vec::new();
        for (kind, bytes) in self.segments {
            let too_long = |_| DraftError::SegmentTooLong { kind, length: bytes.len() };
            let length = u32::try_from(bytes.len()).map_err(too_long)?;
            refs.push(SegmentRef { kind, digest: Digest::of(&bytes), length });
            segments.push(bytes);
        }
        let manifest = Manifest {
            name: self.name,
            version: self.version,
            created: self.created,
            expires: self.expires,
            min_engine: ENGINE,
            segments: refs,
        };
        Ok((manifest, segments))
    }
}

// === impl Manifest ===

impl Manifest {
    /// Signs a manifest with every key; the segments that it names are whoever calls this's care.
    ///
    /// # Errors
    ///
    /// The manifest or the list of keys would make a bundle that nothing reads.
    pub fn sign(self, keys: &[&SigningKey]) -> Result<Envelope, DraftError> {
        let message = self.message()?;
        self.with_signatures(keys.iter().map(|key| (key.public(), key.sign(&message))).collect())
    }

    /// What a key signs.
    ///
    /// # Errors
    ///
    /// The manifest would make a bundle that nothing reads.
    pub fn message(&self) -> Result<Vec<u8>, DraftError> {
        Ok(envelope::message(&self.checked()?))
    }

    /// Adds signatures that were made elsewhere, each of which is verified.
    ///
    /// # Errors
    ///
    /// The manifest or the list of keys would make a bundle that nothing reads, or a signature is
    /// none of it.
    pub fn with_signatures(
        self,
        signatures: Vec<(PublicKey, [u8; 64])>,
    ) -> Result<Envelope, DraftError> {
        let bytes = self.checked()?;
        check_signers(signatures.iter().map(|(key, _)| *key).collect())?;
        let message = envelope::message(&bytes);
        let mut wrong = signatures.iter().filter(|(key, made)| !key.verifies(&message, made));
        if let Some((key, _)) = wrong.next() {
            return Err(DraftError::BadSignature { key: *key });
        }
        Ok(Envelope::new(self, bytes, signatures))
    }

    /// The bytes of a manifest that will be read.
    fn checked(&self) -> Result<Vec<u8>, DraftError> {
        if !is_bundle_name(&self.name) {
            return Err(DraftError::Name { name: self.name.clone() });
        }
        if self.expires <= self.created {
            return Err(DraftError::Lifetime);
        }
        let too_long = || DraftError::ManifestTooLong { segments: self.segments.len() };
        // Postcard fails to encode only what does not fit in memory.
        let bytes = self.encode().map_err(|_| too_long())?;
        if bytes.len() > MAX_MANIFEST {
            return Err(too_long());
        }
        Ok(bytes)
    }

    /// Reads a [message](Manifest::message) that somebody is to sign.
    ///
    /// # Errors
    ///
    /// It is none: whatever it is, no key of bundles should sign it.
    pub fn of_message(message: &[u8]) -> Result<Self, DecodeError> {
        let what = What::the("message to sign");
        let bytes = message.strip_prefix(envelope::CONTEXT).ok_or(DecodeError::Label { what })?;
        Self::decode(bytes)
    }
}

fn check_signers(mut keys: Vec<PublicKey>) -> Result<(), DraftError> {
    let count = keys.len();
    keys.sort_unstable();
    keys.dedup();
    match count {
        0 => Err(DraftError::NoSigner),
        count if count > usize::from(u8::MAX) => Err(DraftError::TooManySigners { count }),
        count if count != keys.len() => Err(DraftError::DuplicateSigner),
        _ => Ok(()),
    }
}
