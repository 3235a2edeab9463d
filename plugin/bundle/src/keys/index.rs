//! Looking keys up.

use alloc::vec::Vec;

use cedarkey_engine::{key::KeyRecord, token::KeyHash};

use super::shard::{self, Shard};
use crate::{DecodeError, What};

/// All keys of a bundle, found by the hash of their token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyIndex {
    bits: u16,
    shards: Vec<Shard>,
}

// === impl KeyIndex ===

impl KeyIndex {
    /// Checks the shards, which come in the order of their numbers, and keeps them.
    ///
    /// # Errors
    ///
    /// A shard is not one, belongs elsewhere or is missing.
    pub fn open(shards: Vec<Vec<u8>>) -> Result<Self, DecodeError> {
        let what = What::the("key index");
        let shards = shards.into_iter().enumerate();
        let shards: Vec<Shard> =
            shards.map(|(number, bytes)| Shard::open(number, bytes)).collect::<Result<_, _>>()?;
        let bits = shards.first().map_or(0, Shard::bits);
        let expected = 1_u64.checked_shl(bits.into()).unwrap_or(0);
        if shards.len() as u64 != expected {
            let why = "the number of shards is not the one that the shards name";
            return Err(DecodeError::Invalid { what, why });
        }
        if shards.iter().any(|shard| shard.bits() != bits) {
            let why = "the shards are not of one index";
            return Err(DecodeError::Invalid { what, why });
        }
        Ok(Self { bits, shards })
    }

    /// The key whose token has this hash. The hash found is compared in constant time; the way
    /// to it depends on the first 8 bytes, from which nothing leads back to a token.
    #[must_use]
    pub fn find(&self, hash: &KeyHash) -> Option<KeyRecord> {
        let (number, prefix) = shard::place(&hash.0, self.bits);
        self.shards.get(number as usize)?.find(hash, prefix)
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(Shard::len).fold(0, usize::saturating_add)
    }

    /// Whether there is no key at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All keys, ascending by hash.
    pub fn iter(&self) -> impl Iterator<Item = (KeyHash, KeyRecord)> + '_ {
        self.shards.iter().flat_map(Shard::iter)
    }
}
