//! Cutting an inventory into shards.

use alloc::vec::Vec;

use cedarkey_engine::{
    key::{KeyId, KeyRecord},
    token::KeyHash,
};

use super::shard::{self, MAX_BITS, MAX_RECORDS};

/// Makes the segments of a key index.
#[derive(Debug)]
pub struct KeyShards;

/// Why an inventory has no index. It is at fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// So many hashes start alike that no shard holds them; digests of tokens never do.
    #[error("too many key hashes start with the same 16 bits: they are not SHA-256 digests")]
    Crowded,
    /// Two keys are one token.
    #[error("the keys `{}` and `{}` have the same hash", ids[0], ids[1])]
    DuplicateHash {
        /// The hash.
        hash: [u8; 32],
        /// The ids of two keys that have it, the lesser one first.
        ids: [KeyId; 2],
    },
    /// Two keys have one identity, and revoking one would revoke the other.
    #[error("two keys have the id `{id}`")]
    DuplicateId {
        /// The id.
        id: KeyId,
    },
    /// A record holds something that no key has.
    #[error("the key `{id}` cannot be in a bundle: {why}")]
    Record {
        /// The key's id.
        id: KeyId,
        /// What is wrong.
        why: &'static str,
    },
}

// === impl KeyShards ===

impl KeyShards {
    /// The segments of an index of these keys, in the order that
    /// [`KeyIndex::open`](super::KeyIndex::open) wants them in. There is always at least one. The
    /// same keys give the same bytes, whatever order they come in.
    ///
    /// # Errors
    ///
    /// Two keys have the same hash or id, or a record is not one of a key.
    pub fn build(mut keys: Vec<(KeyHash, KeyRecord)>) -> Result<Vec<Vec<u8>>, BuildError> {
        keys.sort_unstable_by_key(|(hash, _)| hash.0);
        check(&keys)?;
        let bits = bits(&keys).ok_or(BuildError::Crowded)?;
        let mut shards = Vec::new();
        let mut rest = keys.as_slice();
        for number in 0..1_u32.checked_shl(bits.into()).unwrap_or(1) {
            let count = rest.partition_point(|(hash, _)| shard::place(&hash.0, bits).0 <= number);
            let (own, others) = rest.split_at_checked(count).unwrap_or((rest, &[]));
            shards.push(shard::encode(bits, number, own));
            rest = others;
        }
        Ok(shards)
    }
}

/// The least number of bits by which no shard is too large.
fn bits(keys: &[(KeyHash, KeyRecord)]) -> Option<u16> {
    (0..=MAX_BITS).find(|bits| {
        keys.chunk_by(|(a, _), (b, _)| shard::place(&a.0, *bits).0 == shard::place(&b.0, *bits).0)
            .all(|shard| shard.len() <= MAX_RECORDS)
    })
}

fn check(sorted: &[(KeyHash, KeyRecord)]) -> Result<(), BuildError> {
    for (_, key) in sorted {
        if let Some(why) = shard::objection(key) {
            return Err(BuildError::Record { id: key.id, why });
        }
    }
    for [(hash, first), (next, second)] in sorted.array_windows() {
        if hash.0 == next.0 {
            let ids = [first.id.min(second.id), first.id.max(second.id)];
            return Err(BuildError::DuplicateHash { hash: hash.0, ids });
        }
    }
    let mut ids: Vec<KeyId> = sorted.iter().map(|(_, key)| key.id).collect();
    ids.sort_unstable();
    match ids.array_windows().find(|[a, b]| a == b) {
        Some([id, _]) => Err(BuildError::DuplicateId { id: *id }),
        None => Ok(()),
    }
}
