//! What the parts of key shards are called in shared data.

use cedarkey_bundle::Digest;
use std::rc::Rc;

/// One of the two places that each shard has: a version that replaces a shard is written beside the
/// one in force, and the one after it where that was. Names in shared data cannot be deleted; so
/// there are never more than for two versions, however many come.
pub type Slot = u8;

/// All slots.
pub const SLOTS: [Slot; 2] = [0, 1];

/// The names of the parts of key shards.
#[derive(Clone, Debug)]
pub struct Stock {
    place: Rc<str>,
}

// === impl Stock ===

impl Stock {
    /// Of the bundle at a place. There are many names, so they are short; should two places ever
    /// have the same, their proxies would find nothing but what they do not take.
    pub fn new(place: &str) -> Self {
        let digest = Digest::of(place.as_bytes()).to_string();
        let short = digest.get(..16).unwrap_or_default();
        Self { place: format!("ck/{short}").into() }
    }

    /// The head of a shard.
    pub fn head(&self, slot: Slot, shard: usize) -> String {
        format!("{}/{slot}/{shard}", self.place)
    }

    /// A bucket of a shard.
    pub fn bucket(&self, slot: Slot, shard: usize, bucket: usize) -> String {
        format!("{}/{slot}/{shard}/{bucket}", self.place)
    }

    /// How many shards there have ever been.
    pub fn extent(&self) -> String {
        format!("{}/extent", self.place)
    }
}
