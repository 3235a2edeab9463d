//! The manifest: what a bundle is called, how long it holds and what it consists of.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use crate::{DecodeError, FORMAT, SegmentRef, What, wire};

/// The longest manifest that is read: room for some 20,000 segments.
pub(crate) const MAX_MANIFEST: usize = 1 << 20;

const WHAT: What = What::the("manifest");

/// What is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The bundle's name: see [`is_bundle_name`].
    pub name: String,
    /// Grows with every bundle of that name.
    pub version: u64,
    /// When it was built, in seconds since 1970-01-01T00:00:00Z.
    pub created: i64,
    /// The first instant at which it no longer holds, in seconds since 1970-01-01T00:00:00Z.
    pub expires: i64,
    /// The least [`ENGINE`](crate::ENGINE) that is able to evaluate it.
    pub min_engine: u32,
    /// What it consists of, in the order of the archive.
    pub segments: Vec<SegmentRef>,
}

/// Whether a bundle may have this name: 1 to 64 of the characters `a`-`z`, `0`-`9` and `-`.
#[must_use]
pub fn is_bundle_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

// === impl Manifest ===

impl Manifest {
    /// Reads a manifest that nobody has verified yet.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let malformed = |_| DecodeError::Malformed { what: WHAT };
        // The format comes first and alone, so that a newer manifest is called that.
        let (format, rest) = postcard::take_from_bytes::<u16>(bytes).map_err(malformed)?;
        wire::check_format(WHAT, format)?;
        let (manifest, rest) = postcard::take_from_bytes::<Self>(rest).map_err(malformed)?;
        if !rest.is_empty() {
            return Err(DecodeError::Trailing { what: WHAT, extra: rest.len() as u64 });
        }
        manifest.check()?;
        // Postcard reads integers with superfluous bytes; one manifest is to have one digest.
        if manifest.encode().map_err(malformed)? != bytes {
            return Err(DecodeError::NotCanonical { what: WHAT });
        }
        Ok(manifest)
    }

    pub(crate) fn encode(&self) -> Result<Vec<u8>, postcard::Error> {
        postcard::to_allocvec(&(FORMAT, self))
    }

    /// The rules that hold for every manifest, whoever signed it.
    fn check(&self) -> Result<(), DecodeError> {
        let invalid = |why| Err(DecodeError::Invalid { what: WHAT, why });
        if !is_bundle_name(&self.name) {
            return invalid("the name is not 1 to 64 of `a`-`z`, `0`-`9` and `-`");
        }
        if self.expires <= self.created {
            return invalid("it expires before it was created");
        }
        Ok(())
    }
}
