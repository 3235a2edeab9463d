//! The keys that were looked for lately.

use super::vain::Vain;
use cedarkey_engine::key::KeyRecord;
use cedarkey_engine::token::KeyHash;
use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

/// How many keys a generation holds. Two of them take about 4 MB.
const MOST: usize = 14_336;

/// A bounded memory of keys that were looked for.
///
/// What is found is put into the younger of two generations; when that is full, the older one is
/// forgotten. So what is asked for stays, and nothing has to be kept in order. What is not found is
/// remembered apart from it: whatever keys somebody thinks up, those that there are stay.
///
/// An entry belongs to one content of one shard: once a new version replaces the shard, the entries
/// of the old one are no longer found.
#[derive(Debug, Default)]
pub struct Hot {
    young: Generation,
    old: Generation,
    vain: Vain,
    ids: u32,
}

/// By the first bytes of the hash, which for a digest are as good as any.
type Generation = HashMap<u64, Entry, FxBuildHasher>;

#[derive(Clone, Copy, Debug)]
struct Entry {
    shard: u32,
    hash: KeyHash,
    key: KeyRecord,
}

// === impl Hot ===

impl Hot {
    /// An id for a shard whose content is new to this VM.
    pub fn new_id(&mut self) -> u32 {
        self.ids = match self.ids.checked_add(1) {
            Some(id) => id,
            // After four thousand million shards they start again, with nothing remembered.
            None => {
                self.young.clear();
                self.old.clear();
                self.vain.clear();
                1
            }
        };
        self.ids
    }

    /// The key with this hash in a shard, or that there is none, if it is remembered.
    pub fn get(&mut self, shard: u32, hash: &KeyHash) -> Option<Option<KeyRecord>> {
        let place = place(hash);
        let fits = |entry: &&Entry| entry.shard == shard && entry.hash == *hash;
        if let Some(entry) = self.young.get(&place).filter(fits) {
            return Some(Some(entry.key));
        }
        if let Some(entry) = self.old.get(&place).filter(fits).copied() {
            self.keep(entry);
            return Some(Some(entry.key));
        }
        self.vain.holds(shard, hash).then_some(None)
    }

    /// Remembers a key, or that there is none.
    pub fn put(&mut self, shard: u32, hash: KeyHash, found: Option<KeyRecord>) {
        match found {
            Some(key) => self.keep(Entry { shard, hash, key }),
            None => self.vain.put(shard, hash),
        }
    }

    fn keep(&mut self, entry: Entry) {
        if self.young.len() >= MOST {
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
        self.young.insert(place(&entry.hash), entry);
    }
}

fn place(hash: &KeyHash) -> u64 {
    hash.0.first_chunk().map_or(0, |prefix| u64::from_le_bytes(*prefix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cedarkey_engine::key::KeyId;

    fn hash(number: u64) -> KeyHash {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&number.to_le_bytes());
        KeyHash(hash)
    }

    fn key(number: u64) -> KeyRecord {
        let id = KeyId(u128::from(number).to_be_bytes());
        KeyRecord { id, created: 0, not_before: 0, expires: 0, profile: 0 }
    }

    #[test]
    fn what_was_put_is_found_in_its_shard_alone() {
        let mut hot = Hot::default();
        let (one, other) = (hot.new_id(), hot.new_id());
        hot.put(one, hash(1), Some(key(1)));
        assert_eq!(hot.get(one, &hash(1)), Some(Some(key(1))));
        assert_eq!((hot.get(other, &hash(1)), hot.get(one, &hash(2))), (None, None));
        hot.put(one, hash(2), None);
        assert_eq!((hot.get(other, &hash(2)), hot.get(one, &hash(2))), (None, Some(None)));
        let mut alike = hash(1);
        alike.0[31] = 1;
        assert_eq!(hot.get(one, &alike), None, "only the first bytes are the same");
    }

    #[test]
    fn it_is_bounded_and_what_is_asked_for_stays() {
        let mut hot = Hot::default();
        hot.put(1, hash(0), Some(key(0)));
        for number in 1..=10 * MOST as u64 {
            hot.put(1, hash(number), Some(key(number)));
            assert_eq!(hot.get(1, &hash(0)), Some(Some(key(0))));
        }
        assert!(hot.young.len() <= MOST && hot.old.len() <= MOST);
        assert_eq!(hot.get(1, &hash(1)), None);
    }
}
