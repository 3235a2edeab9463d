//! The key index: records of a fixed size sorted by hash, which are used as they lie.
//!
//! The inventory is cut into `2^bits` shards by the leading bits of the hashes, so that a change
//! of one key replaces one segment of at most 256 KiB. Nothing is built when a shard is opened:
//! it is checked from front to back, and a look-up reads its bytes.
//!
//! Layout of a shard: the label, the format as `u16`, the number of shard bits as `u16`, the
//! number of the shard as `u32`, the count of records as `u32`, then the records, strictly
//! ascending by hash. A record is the hash (32 bytes), the key's id (16), the times `created`,
//! `not_before` and `expires` as `i64` milliseconds, and the profile as `u32`. Integers are
//! little-endian.

mod build;
mod index;
mod shard;

pub use build::{BuildError, KeyShards};
pub use index::KeyIndex;

/// The largest shard in bytes.
pub const MAX_SHARD: usize = 256 * 1024;
