//! Where a VM finds the keys of a bundle.
//!
//! A million keys in every VM would be a million keys for each worker. So the keys lie in the
//! proxy's shared data, once for the process, in buckets of a few KiB. A VM reads the bucket that a
//! key would be in, verifies it (directory → head → bucket, see [`cedarkey_bundle::keys`]), and
//! remembers by its token what it found.

mod hot;
mod stock;

pub use hot::{Hot, Shard};
pub use stock::{SLOTS, Slot, Stock};

use cedarkey_bundle::Digest;
use cedarkey_bundle::keys::{Directory, Head, KeyIndex, find};
use cedarkey_engine::key::{KeyRecord, Unreadable};
use cedarkey_engine::token::KeyHash;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// The keys of a bundle, and what this VM remembers of them.
#[derive(Debug)]
pub struct Inventory {
    place: Place,
    /// For each shard, what this VM knows it by: the same as long as its content is.
    ids: Vec<u64>,
    hot: Rc<RefCell<Hot>>,
}

/// Where keys are.
#[derive(Debug)]
enum Place {
    /// In this VM, as one shard: those of a bundle that came with the configuration.
    Resident(KeyIndex),
    Shared(SharedKeys),
}

/// Keys that lie in shared data.
#[derive(Debug)]
pub struct SharedKeys {
    directory: Directory,
    stock: Stock,
    /// The heads that were read, with the slots that their buckets are in.
    heads: RefCell<Vec<Option<Filed>>>,
    /// The shard that could not be read last.
    lost: Cell<Option<usize>>,
}

/// Where the buckets of a shard are, and what vouches for them.
type Filed = (Slot, Rc<Head>);

/// Reads shared data.
pub type Read<'a> = &'a mut dyn FnMut(&str) -> Option<Vec<u8>>;

// === impl Inventory ===

impl Inventory {
    /// Keys in this VM.
    pub fn resident(keys: KeyIndex, hot: &Rc<RefCell<Hot>>) -> Self {
        let ids = vec![hot.borrow_mut().new_id()];
        Self { place: Place::Resident(keys), ids, hot: Rc::clone(hot) }
    }

    /// The keys that a directory vouches for. What is known of the shards that a version `before`
    /// has in common with this one is kept; its tokens must have the form that this one's have.
    pub fn shared_data(
        directory: Directory,
        stock: Stock,
        before: Option<&Self>,
        hot: &Rc<RefCell<Hot>>,
    ) -> Self {
        let before = before.and_then(|before| before.shared().zip(Some(&before.ids)));
        let before = before.filter(|(keys, _)| keys.directory.shards() == directory.shards());
        let mut ids = Vec::with_capacity(directory.shards());
        let mut heads = Vec::with_capacity(directory.shards());
        for (number, entry) in directory.entries().enumerate() {
            let same = before.filter(|(keys, _)| keys.root(number) == Some(entry.root));
            let id = same.and_then(|(_, ids)| ids.get(number).copied());
            ids.push(id.unwrap_or_else(|| hot.borrow_mut().new_id()));
            let head = same.and_then(|(keys, _)| keys.heads.borrow().get(number).cloned());
            heads.push(head.flatten());
        }
        let (heads, lost) = (RefCell::new(heads), Cell::new(None));
        let place = Place::Shared(SharedKeys { directory, stock, heads, lost });
        Self { place, ids, hot: Rc::clone(hot) }
    }

    /// How many keys there are.
    pub fn count(&self) -> u64 {
        match &self.place {
            Place::Resident(keys) => keys.len() as u64,
            Place::Shared(keys) => keys.directory.keys(),
        }
    }

    /// The keys in shared data, if that is where they are.
    pub fn shared(&self) -> Option<&SharedKeys> {
        match &self.place {
            Place::Resident(_) => None,
            Place::Shared(keys) => Some(keys),
        }
    }

    /// What came of it when this token was looked for lately, in these same keys.
    pub fn recall(&self, token: &str) -> Option<Option<KeyRecord>> {
        self.hot.borrow_mut().get(token, &self.ids)
    }

    /// The key whose token this is, and has this hash. What is found is remembered, and what is not.
    ///
    /// # Errors
    ///
    /// Where the place cannot be read in which the key would be.
    #[inline(never)]
    pub fn find(
        &self,
        token: &str,
        hash: &KeyHash,
        read: Read<'_>,
    ) -> Result<Option<KeyRecord>, Unreadable> {
        let (number, found) = match &self.place {
            Place::Resident(keys) => (0, keys.find(hash)),
            Place::Shared(keys) => {
                let number = keys.directory.shard_of(hash);
                let Some(bucket) = keys.bucket(number, hash, read) else {
                    keys.lost.set(Some(number));
                    return Err(Unreadable);
                };
                (number, find(&bucket, hash))
            }
        };
        let id = self.ids.get(number).copied().ok_or(Unreadable)?;
        self.hot.borrow_mut().put(token, Shard { number, id }, found);
        Ok(found)
    }
}

// === impl SharedKeys ===

impl SharedKeys {
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

    /// The bytes of the bucket that a key would be in: those of this version, or nothing.
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

    fn read_head(&self, slot: Slot, shard: usize, read: Read<'_>) -> Option<Filed> {
        let bytes = read(&self.stock.head(slot, shard))?;
        let head = Head::open(shard, bytes, &self.root(shard)?).ok()?;
        Some((slot, Rc::new(head)))
    }

    fn read_bucket(
        &self,
        (slot, head): &Filed,
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
