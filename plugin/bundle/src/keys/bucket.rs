//! Cutting a shard into buckets, which a proxy reads one at a time.

use alloc::vec::Vec;

use cedarkey_engine::{key::KeyRecord, token::KeyHash};

use super::head::{Facts, Head};
use super::shard::{self, Shard};
use crate::{DecodeError, Digest};

/// What a head has for a bucket without keys.
pub(super) const NONE: [u8; 32] = [0; 32];

/// How many keys a bucket has on average, at most: 76 bytes each.
const KEYS: usize = 48;

/// A shard that is being cut into buckets, one after the other.
#[derive(Debug)]
pub struct Cutter {
    shard: Shard,
    bucket_bits: u16,
    /// The digests of the buckets that were cut.
    digests: Vec<[u8; 32]>,
    /// How many bytes of records are before the next bucket.
    at: usize,
}

/// A shard that was cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// What vouches for the buckets; the directory has its digest.
    pub head: Vec<u8>,
    /// How many keys there are.
    pub keys: u32,
    /// One above the highest profile that any of the keys has.
    pub profiles: u32,
}

/// How many leading bits of a hash, after those of the shard, tell its bucket.
fn bucket_bits(keys: usize) -> u16 {
    let buckets = keys.div_ceil(KEYS).next_power_of_two();
    u16::try_from(buckets.trailing_zeros()).unwrap_or(0)
}

/// The bucket that a hash belongs to.
pub(super) fn of(hash: &[u8; 32], bits: u16, bucket_bits: u16) -> usize {
    let prefix = shard::place(hash, bits).1;
    let below = prefix.checked_shl(bits.into()).unwrap_or(0);
    let shift = 64_u32.saturating_sub(bucket_bits.into());
    usize::try_from(below.checked_shr(shift).unwrap_or(0)).unwrap_or(usize::MAX)
}

/// The key with this hash, in the bytes of a bucket that a head has vouched for.
#[must_use]
pub fn find(bucket: &[u8], hash: &KeyHash) -> Option<KeyRecord> {
    shard::find(bucket, hash)
}

// === impl Cutter ===

impl Cutter {
    /// Checks the shard at this position, and begins.
    ///
    /// # Errors
    ///
    /// It is not one, or belongs elsewhere.
    pub fn new(position: usize, shard: Vec<u8>) -> Result<Self, DecodeError> {
        let shard = Shard::open(position, shard)?;
        let bucket_bits = bucket_bits(shard.len());
        Ok(Self { shard, bucket_bits, digests: Vec::new(), at: 0 })
    }

    /// How many buckets there are.
    #[must_use]
    pub fn buckets(&self) -> usize {
        1_usize.checked_shl(self.bucket_bits.into()).unwrap_or(1)
    }

    /// Cuts the next bucket off: its number and its bytes.
    pub fn cut(&mut self) -> Option<(usize, &[u8])> {
        let number = self.digests.len();
        if number >= self.buckets() {
            return None;
        }
        let (bits, bucket_bits) = (self.shard.bits(), self.bucket_bits);
        let rest = self.shard.record_bytes().get(self.at..).unwrap_or_default();
        let length = shard::length_while(rest, |hash| of(hash, bits, bucket_bits) <= number);
        let bucket = rest.get(..length).unwrap_or_default();
        self.at = self.at.saturating_add(length);
        self.digests.push(if bucket.is_empty() { NONE } else { Digest::of(bucket).0 });
        Some((number, bucket))
    }

    /// What the buckets come to; those that were not cut yet are.
    #[must_use]
    pub fn finish(mut self) -> Cut {
        while self.cut().is_some() {}
        let keys = u32::try_from(self.shard.len()).unwrap_or(u32::MAX);
        // A decoy has none.
        let others = self.shard.iter().filter(|(_, key)| !key.is_decoy());
        let profiles = others.map(|(_, key)| key.profile.saturating_add(1)).max();
        let profiles = profiles.unwrap_or(0);
        let facts = Facts {
            bits: self.shard.bits(),
            number: self.shard.number(),
            keys,
            profiles,
            bucket_bits: self.bucket_bits,
        };
        Cut { head: Head::write(&facts, &self.digests), keys, profiles }
    }
}
