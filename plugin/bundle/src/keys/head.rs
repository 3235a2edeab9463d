//! The head of a shard: the digests of its buckets.

use alloc::vec::Vec;

use super::{bucket, shard};
use crate::{DecodeError, Digest, What, wire::Reader};

const LABEL: &[u8; 8] = b"ck-head\0";
const DIGEST: usize = 32;

/// How long a head is without digests.
const LENGTH: usize = 26;

/// The most bucket bits that a shard ever has.
const MAX_BUCKET_BITS: u16 = 8;

/// What a reader needs to know of a shard to verify any of its buckets by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    bits: u16,
    bucket_bits: u16,
    bytes: Vec<u8>,
    /// Where the digests begin.
    from: usize,
}

/// What a head says besides its digests.
pub(super) struct Facts {
    pub bits: u16,
    pub number: u32,
    pub keys: u32,
    pub profiles: u32,
    pub bucket_bits: u16,
}

// === impl Head ===

impl Head {
    /// Reads a head that lies where nobody is to be trusted: it is the one with this root, or an
    /// error.
    ///
    /// # Errors
    ///
    /// It has another root, or is none.
    pub fn open(number: usize, bytes: Vec<u8>, root: &Digest) -> Result<Self, DecodeError> {
        let what = What::nth("head of key shard", number);
        let found = Digest::of(&bytes);
        if found != *root {
            return Err(DecodeError::Digest { what, expected: *root, found });
        }
        let mut reader = Reader::new(what, &bytes);
        reader.label(LABEL)?;
        let bits = reader.u16()?;
        if reader.u32()? as usize != number {
            return Err(DecodeError::Invalid { what, why: "its number is that of another shard" });
        }
        reader.take(8)?;
        let bucket_bits = reader.u16()?;
        for (found, limit) in [(bits, shard::MAX_BITS), (bucket_bits, MAX_BUCKET_BITS)] {
            if found > limit {
                let (found, limit) = (found.into(), limit.into());
                return Err(DecodeError::Limit { what, found, limit });
            }
        }
        let from = bytes.len().saturating_sub(reader.rest().len());
        reader.take(DIGEST.checked_shl(bucket_bits.into()).unwrap_or(usize::MAX))?;
        reader.finish()?;
        Ok(Self { bits, bucket_bits, bytes, from })
    }

    /// Writes a head. There are as many digests as buckets.
    pub(super) fn write(facts: &Facts, digests: &[[u8; DIGEST]]) -> Vec<u8> {
        let mut out = LABEL.to_vec();
        out.extend_from_slice(&crate::FORMAT.to_le_bytes());
        out.extend_from_slice(&facts.bits.to_le_bytes());
        out.extend_from_slice(&facts.number.to_le_bytes());
        out.extend_from_slice(&facts.keys.to_le_bytes());
        out.extend_from_slice(&facts.profiles.to_le_bytes());
        out.extend_from_slice(&facts.bucket_bits.to_le_bytes());
        out.extend_from_slice(digests.as_flattened());
        out
    }

    /// How many buckets a shard has whose head is so long.
    #[must_use]
    pub fn buckets_of(length: usize) -> usize {
        length.saturating_sub(LENGTH).checked_div(DIGEST).unwrap_or(0)
    }

    /// How many buckets the shard has.
    #[must_use]
    pub fn buckets(&self) -> usize {
        1_usize.checked_shl(self.bucket_bits.into()).unwrap_or(1)
    }

    /// The bucket in which the key with this hash is, if it is in this shard at all.
    #[must_use]
    pub fn bucket_of(&self, hash: &[u8; 32]) -> usize {
        bucket::of(hash, self.bits, self.bucket_bits)
    }

    /// Whether a bucket has no keys: it need not be read.
    #[must_use]
    pub fn is_empty(&self, bucket: usize) -> bool {
        self.digest(bucket).is_none_or(|digest| digest.0 == bucket::NONE)
    }

    /// Whether these are a bucket's bytes.
    #[must_use]
    pub fn vouches(&self, bucket: usize, bytes: &[u8]) -> bool {
        self.digest(bucket).is_some_and(|digest| digest == Digest::of(bytes))
    }

    fn digest(&self, bucket: usize) -> Option<Digest> {
        let (digests, _) = self.bytes.get(self.from..)?.as_chunks::<DIGEST>();
        digests.get(bucket).copied().map(Digest)
    }
}
