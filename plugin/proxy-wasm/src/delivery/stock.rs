//! Key shards in shared data.
//!
//! A shard is its head and its buckets, in one of two slots. The head is written last: where one
//! lies, all its buckets do. While they are written or taken away, a mark with their number lies in
//! its place, so that whoever comes next knows how many there may be, however it came to an end.

use super::port::Port;
use crate::inventory::{SLOTS, Slot, Stock};
use cedarkey_bundle::Digest;
use cedarkey_bundle::keys::Head;

const MARK: &[u8; 8] = b"ck-open\0";

/// The most buckets that a mark is believed to speak of.
const MOST: usize = 256;

/// What is in a slot of a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Nothing.
    Nothing,
    /// Some buckets of which nothing is known, with numbers below this.
    Rest(usize),
    /// A head with this root, and its buckets.
    Shard(Digest, usize),
}

// === impl Held ===

impl Held {
    /// How many buckets there may be.
    pub fn buckets(self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Rest(buckets) | Self::Shard(_, buckets) => buckets,
        }
    }

    /// Whether it is the shard with this root.
    pub fn is(self, root: Option<Digest>) -> bool {
        matches!(self, Self::Shard(own, _) if Some(own) == root)
    }
}

/// What is in a slot of a shard.
pub fn held(stock: &Stock, slot: Slot, shard: usize, port: &mut impl Port) -> Held {
    let Some(bytes) = port.shared(&stock.head(slot, shard)).0 else { return Held::Nothing };
    match bytes.split_first_chunk::<8>() {
        Some((MARK, rest)) => {
            let buckets = rest.first_chunk().map_or(u32::MAX, |count| u32::from_le_bytes(*count));
            Held::Rest(usize::try_from(buckets).unwrap_or(MOST).min(MOST))
        }
        _ => Held::Shard(Digest::of(&bytes), Head::buckets_of(bytes.len()).min(MOST)),
    }
}

/// Whether the shard with this root is in one of its slots.
pub fn has(stock: &Stock, shard: usize, root: Option<Digest>, port: &mut impl Port) -> bool {
    SLOTS.into_iter().any(|slot| held(stock, slot, shard, port).is(root))
}

/// Says that there may be so many buckets in a slot, and no shard.
pub fn mark(stock: &Stock, slot: Slot, shard: usize, buckets: usize, port: &mut impl Port) {
    let buckets = u32::try_from(buckets).unwrap_or(u32::MAX);
    let mark = [&MARK[..], &buckets.to_le_bytes()].concat();
    port.set_shared(&stock.head(slot, shard), Some(&mark), None);
}

/// How many shards there have ever been.
pub fn extent(stock: &Stock, port: &mut impl Port) -> usize {
    let value = port.shared(&stock.extent()).0.unwrap_or_default();
    let extent = value.first_chunk().map_or(0, |extent| u32::from_le_bytes(*extent));
    usize::try_from(extent).unwrap_or(0).min(1 << 16)
}

/// Says that there are so many shards.
pub fn extend(stock: &Stock, shards: usize, port: &mut impl Port) {
    if extent(stock, port) < shards {
        let shards = u32::try_from(shards).unwrap_or(u32::MAX);
        port.set_shared(&stock.extent(), Some(&shards.to_le_bytes()), None);
    }
}
