//! The key index: records of a fixed size sorted by hash, which are used as they lie.
//!
//! The inventory is cut into `2^bits` shards by the leading bits of the hashes, so that a change
//! of one key replaces one segment of at most 256 KiB. Nothing is built when a shard is opened:
//! it is checked from front to back, and a look-up reads its bytes.
//!
//! Layout of a shard: the label, the format as `u16`, the number of shard bits as `u16`, the
//! number of the shard as `u32`, the count of records as `u32`, then the records, strictly
//! ascending by hash. A record is the hash (32 bytes), the key's id (16), the times `created`,
//! `not_before` and `expires` as `i64` milliseconds, and the profile as `u32`, of which all bits are
//! set for a decoy. Integers are little-endian.
//!
//! A proxy does not hold shards whole: it cuts them into *buckets* of a few KiB, by the bits of the
//! hash that follow on those of the shard, and reads the one bucket that a key is in. The *head* of
//! a shard has the digest of each bucket, and the *directory*, a segment of the bundle, has the
//! digest of each head, so that a bucket can be verified without the rest of its shard. Shards are
//! cut in one way only, which depends on nothing but their content.
//!
//! Layout of a head: the label, the format, the number of shard bits as `u16`, the number of the
//! shard, the count of its keys and one above their highest profile as `u32` each, the number of
//! bucket bits as `u16`, then 32 bytes for each bucket: the SHA-256 of its records, or zeros where
//! it has none. Layout of the directory: the label, the format, the number of shard bits as `u16`,
//! then for each shard the SHA-256 of its head, the count of its keys and one above their highest
//! profile, 40 bytes together.

mod bucket;
mod build;
mod directory;
mod head;
mod ids;
mod index;
mod shard;

pub use bucket::{Cut, Cutter, find};
pub use build::{BuildError, KeyShards};
pub use directory::{Directory, Entry};
pub use head::Head;
pub use ids::ids;
pub use index::KeyIndex;

/// The largest shard in bytes.
pub const MAX_SHARD: usize = 256 * 1024;
