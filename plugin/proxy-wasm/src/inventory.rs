//! Where a VM finds the keys of a bundle.
//!
//! A million keys in every VM would be a million keys for each worker. So the keys lie in the
//! proxy's shared data, once for the process, in buckets of a few KiB. A VM reads the bucket that a
//! key would be in, verifies it (directory → head → bucket, see [`cedarkey_bundle::keys`]), and
//! remembers the key that it found.

mod hot;
mod stock;
mod vain;

pub use hot::Hot;
pub use stock::{SLOTS, Slot, Stock};

use cedarkey_bundle::Digest;
use cedarkey_bundle::keys::{Directory, Head, KeyIndex, find};
use cedarkey_engine::key::{KeyRecord, Unreadable};
use cedarkey_engine::token::KeyHash;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// The keys of a bundle.
#[derive(Debug)]
pub enum Inventory {
    /// In this VM: those of a bundle that came with the configuration.
    Resident(KeyIndex),
    /// In shared data.
    Shared(SharedKeys),
}

/// Keys that lie in shared data.
#[derive(Debug)]
pub struct SharedKeys {
    directory: Directory,
    stock: Stock,
    /// For each shard, what this VM knows it by: the same as long as its content is.
    ids: Vec<u32>,
    /// The heads that were read, with the slots that their buckets are in.
    heads: RefCell<Vec<Option<Place>>>,
    hot: Rc<RefCell<Hot>>,
    /// The shard that could not be read last.
    lost: Cell<Option<usize>>,
}

/// Where the buckets of a shard are, and what vouches for them.
type Place = (Slot, Rc<Head>);

/// Reads shared data.
pub type Read<'a> = &'a mut dyn FnMut(&str) -> Option<Vec<u8>>;

// === impl Inventory ===

impl Inventory {
    /// How many keys there are.
    pub fn count(&self) -> u64 {
        match self {
            Self::Resident(keys) => keys.len() as u64,
            Self::Shared(keys) => keys.directory.keys(),
        }
    }

    /// The keys in shared data, if that is where they are.
    pub fn shared(&self) -> Option<&SharedKeys> {
        match self {
            Self::Resident(_) => None,
            Self::Shared(keys) => Some(keys),
        }
    }

    /// The key whose token has this hash.
    pub fn find(&self, hash: &KeyHash, read: Read<'_>) -> Result<Option<KeyRecord>, Unreadable> {
        match self {
            Self::Resident(keys) => Ok(keys.find(hash)),
            Self::Shared(keys) => keys.find(hash, read),
        }
    }
}

// === impl SharedKeys ===

impl SharedKeys {
    /// The keys that a directory vouches for. What is known of the shards that a version `before`
    /// has in common with this one is kept.
    pub fn new(
        directory: Directory,
        stock: Stock,
        before: Option<&Self>,
        hot: &Rc<RefCell<Hot>>,
    ) -> Self {
        let before = before.filter(|before| before.directory.shards() == directory.shards());
        let mut ids = Vec::with_capacity(directory.shards());
        let mut heads = Vec::with_capacity(directory.shards());
        for (number, entry) in directory.entries().enumerate() {
            let same = before.filter(|before| before.root(number) == Some(entry.root));
            let id = same.and_then(|same| same.ids.get(number).copied());
            ids.push(id.unwrap_or_else(|| hot.borrow_mut().new_id()));
            heads.push(same.and_then(|same| same.heads.borrow().get(number).cloned().flatten()));
        }
        let (heads, lost) = (RefCell::new(heads), Cell::new(None));
        Self { directory, stock, ids, heads, hot: Rc::clone(hot), lost }
    }

    /// What vouches for the keys.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// What vouches for a shard.
    pub fn root(&self, shard: usize) -> Option<Digest> {
        self.directory.entry(shard).map(|entry| entry.root)
    }

    /// The shard that could not be read last, until the next one that cannot.
    pub fn lost(&self) -> Option<usize> {
        self.lost.take()
    }

    /// The key whose token has this hash. One that was looked for lately costs no call to the proxy.
    fn find(&self, hash: &KeyHash, read: Read<'_>) -> Result<Option<KeyRecord>, Unreadable> {
        let shard = self.directory.shard_of(hash);
        let id = self.ids.get(shard).copied().ok_or(Unreadable)?;
        if let Some(known) = self.hot.borrow_mut().get(id, hash) {
            return Ok(known);
        }
        let bucket = self.bucket(shard, hash, read);
        let Some(bucket) = bucket else {
            self.lost.set(Some(shard));
            return Err(Unreadable);
        };
        let found = find(&bucket, hash);
        self.hot.borrow_mut().put(id, *hash, found);
        Ok(found)
    }

    /// The bytes of the bucket that a key would be in: those of this version, or nothing. Apart, as
    /// most keys are remembered.
    #[inline(never)]
    fn bucket(&self, shard: usize, hash: &KeyHash, read: Read<'_>) -> Option<Vec<u8>> {
        let known = self.heads.borrow().get(shard).cloned().flatten();
        let held = known.and_then(|place| self.read_bucket(&place, shard, hash, read));
        if held.is_some() {
            return held;
        }
        // Not read before, or moved since.
        for slot in SLOTS {
            let Some(place) = self.read_head(slot, shard, read) else { continue };
            let held = self.read_bucket(&place, shard, hash, read);
            if held.is_some() {
                if let Some(known) = self.heads.borrow_mut().get_mut(shard) {
                    *known = Some(place);
                }
                return held;
            }
        }
        None
    }

    fn read_head(&self, slot: Slot, shard: usize, read: Read<'_>) -> Option<Place> {
        let bytes = read(&self.stock.head(slot, shard))?;
        let head = Head::open(shard, bytes, &self.root(shard)?).ok()?;
        Some((slot, Rc::new(head)))
    }

    fn read_bucket(
        &self,
        (slot, head): &Place,
        shard: usize,
        hash: &KeyHash,
        read: Read<'_>,
    ) -> Option<Vec<u8>> {
        let number = head.bucket_of(&hash.0);
        if head.is_empty(number) {
            return Some(Vec::new());
        }
        let bytes = read(&self.stock.bucket(*slot, shard, number))?;
        head.vouches(number, &bytes).then_some(bytes)
    }
}
