//! Which keys there are.

use alloc::vec::Vec;

use cedarkey_engine::key::KeyId;

use super::shard::Shard;
use crate::DecodeError;

/// The ids of the keys in the shard at this position, in no order.
///
/// # Errors
///
/// It is not one, or belongs elsewhere.
pub fn ids(position: usize, shard: Vec<u8>) -> Result<Vec<KeyId>, DecodeError> {
    let shard = Shard::open(position, shard)?;
    Ok(shard.iter().map(|(_, key)| key.id).collect())
}
