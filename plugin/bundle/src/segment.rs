//! What a manifest says of each segment.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{DecodeError, Digest, What};

/// What a segment holds. The order is part of the wire format: a new kind goes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SegmentKind {
    /// Compiled policies with their strings, entities and fact plan.
    Model,
    /// The route table.
    Routes,
    /// One shard of the key index.
    Keys,
    /// The keys that were revoked.
    Revocations,
    /// What vouches for the buckets of the key index.
    Directory,
}

/// A segment as a manifest names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentRef {
    /// What it holds.
    pub kind: SegmentKind,
    /// The SHA-256 of its bytes.
    pub digest: Digest,
    /// Its length in bytes.
    pub length: u32,
}

// === impl SegmentKind ===

impl fmt::Display for SegmentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Model => "model",
            Self::Routes => "routes",
            Self::Keys => "keys",
            Self::Revocations => "revocations",
            Self::Directory => "directory",
        })
    }
}

// === impl SegmentRef ===

impl SegmentRef {
    /// Whether these are the bytes that this reference names.
    ///
    /// # Errors
    ///
    /// The length or the digest differs.
    pub fn check(&self, bytes: &[u8]) -> Result<(), DecodeError> {
        self.check_as(What::the(self.what()), bytes)
    }

    pub(crate) fn check_as(&self, what: What, bytes: &[u8]) -> Result<(), DecodeError> {
        let (expected, found) = (u64::from(self.length), bytes.len() as u64);
        if expected != found {
            return Err(DecodeError::Length { what, expected, found });
        }
        let found = Digest::of(bytes);
        if found != self.digest {
            return Err(DecodeError::Digest { what, expected: self.digest, found });
        }
        Ok(())
    }

    fn what(&self) -> &'static str {
        match self.kind {
            SegmentKind::Model => "model segment",
            SegmentKind::Routes => "routes segment",
            SegmentKind::Keys => "keys segment",
            SegmentKind::Revocations => "revocations segment",
            SegmentKind::Directory => "directory segment",
        }
    }
}
