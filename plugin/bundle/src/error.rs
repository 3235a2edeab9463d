//! What is wrong with bytes that do not decode.

use core::fmt;

use crate::Digest;

/// Why bytes are not what they are taken for. The bundle is at fault, or whoever carried it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes hash to something other than what the manifest says.
    #[error("{what} has the digest `{found}`, but the manifest names `{expected}`")]
    Digest {
        /// The part that was read.
        what: What,
        /// The digest in the manifest.
        expected: Digest,
        /// The digest of the bytes.
        found: Digest,
    },
    /// One entry of several is not as it must be.
    #[error("entry {entry} of {what} is invalid: {why}")]
    Entry {
        /// The part that was read.
        what: What,
        /// The position of the entry, from 0.
        entry: u64,
        /// What was wrong with it.
        why: &'static str,
    },
    /// The format is not the one this build reads.
    #[error("{what} is of format {found}, and this version of cedarkey reads format {supported}")]
    Format {
        /// The part that was read.
        what: What,
        /// The format of the bytes.
        found: u16,
        /// The format that can be read.
        supported: u16,
    },
    /// A field holds something that its type allows and its meaning does not.
    #[error("{what} is invalid: {why}")]
    Invalid {
        /// The part that was read.
        what: What,
        /// What was wrong with it.
        why: &'static str,
    },
    /// The first bytes are not the label.
    #[error("{what} does not start with the label of one")]
    Label {
        /// The part that was read.
        what: What,
    },
    /// The number of bytes is not the one announced.
    #[error("{what} is {found} bytes long, but {expected} were announced")]
    Length {
        /// The part that was read.
        what: What,
        /// The announced length in bytes.
        expected: u64,
        /// The length in bytes.
        found: u64,
    },
    /// Something is larger than is ever written.
    #[error("{what} has the size {found}, and {limit} is the most that is accepted")]
    Limit {
        /// The part that was read.
        what: What,
        /// The size found, in bytes or entries.
        found: u64,
        /// The largest size accepted.
        limit: u64,
    },
    /// The encoding does not follow the rules of the format.
    #[error("{what} is not encoded as the format demands")]
    Malformed {
        /// The part that was read.
        what: What,
    },
    /// The values are right but were not written in the one way that they are to be written.
    #[error("{what} is not in canonical form")]
    NotCanonical {
        /// The part that was read.
        what: What,
    },
    /// Entries are not in strictly ascending order.
    #[error("entry {entry} of {what} is not above the one before it")]
    Order {
        /// The part that was read.
        what: What,
        /// The position of the entry, from 0.
        entry: u64,
    },
    /// Bytes follow the end.
    #[error("bytes are left over after the end of {what}: {extra}")]
    Trailing {
        /// The part that was read.
        what: What,
        /// How many bytes are left over.
        extra: u64,
    },
    /// The bytes end too early.
    #[error("{what} is cut short: {needed} bytes were to come and {left} are left")]
    Truncated {
        /// The part that was read.
        what: What,
        /// How many bytes were expected next.
        needed: u64,
        /// How many there are.
        left: u64,
    },
}

/// The part of a bundle that an error is about, such as `the envelope` or `key shard 3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct What {
    name: &'static str,
    number: Option<u64>,
}

// === impl What ===

impl What {
    pub(crate) const fn the(name: &'static str) -> Self {
        Self { name, number: None }
    }

    /// One of several; counted from 0.
    pub(crate) fn nth(name: &'static str, number: usize) -> Self {
        Self { name, number: Some(number as u64) }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            None => write!(f, "the {}", self.name),
            Some(number) => write!(f, "{} {number}", self.name),
        }
    }
}
