//! What was looked for lately.

use crate::secret::{Secret, Tag};
use cedarkey_engine::key::KeyRecord;
use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

/// How many keys a generation holds. Two of them take about 3 MB.
const MOST: usize = 14_336;

/// How many tokens there is room for that were looked for in vain, a power of two: they take 40 KB.
const VAIN: usize = 1_024;

/// A bounded memory of what tokens were looked for, and of what came of it, so that a token that
/// comes again is neither read nor hashed, and costs no call to the proxy.
///
/// It holds no tokens, and nothing that a token could be told from: each is known by the 128 bits
/// that a secret of the VM makes of it, which is the proof that it is the one that was read and found
/// ([ADR 17](../../../../docs/adr/0017-what-a-token-led-to-is-remembered.md)).
///
/// What is found is put into the younger of two generations; when that is full, the older one is
/// forgotten. So what is asked for stays, and nothing has to be kept in order. What is not found is
/// remembered apart from it: whatever keys somebody thinks up, those that there are stay. Of that
/// each has one place, which the last one that was put there holds.
///
/// An entry belongs to one content of one shard: once a new version replaces the shard, the entries
/// of the old one no longer count.
#[derive(Debug, Default)]
pub struct Hot {
    secret: Secret,
    young: Generation,
    old: Generation,
    vain: Vec<Option<Vain>>,
    ids: u64,
}

/// One content of one shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which shard of an inventory it is.
    pub number: usize,
    /// What this VM knows the content by.
    pub id: u64,
}

/// By the first half of the tag.
type Generation = HashMap<u64, Entry, FxBuildHasher>;

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// The second half of the tag.
    rest: u64,
    shard: Shard,
    key: KeyRecord,
}

#[derive(Clone, Copy, Debug)]
struct Vain {
    tag: Tag,
    shard: Shard,
}

// === impl Hot ===

impl Hot {
    /// An id for a shard whose content is new to this VM.
    pub fn new_id(&mut self) -> u64 {
        // There are not so many that it could come round.
        self.ids = self.ids.wrapping_add(1);
        self.ids
    }

    /// The key that was found when this token was looked for, or that there was none. `ids` are those
    /// of the shards that there are now; what was found in others does not count.
    pub fn get(&mut self, token: &str, ids: &[u64]) -> Option<Option<KeyRecord>> {
        let tag = self.secret.tag(token.as_bytes());
        let Tag([first, rest]) = tag;
        let is_there = |shard: Shard| ids.get(shard.number) == Some(&shard.id);
        let fits = |entry: &&Entry| entry.rest == rest && is_there(entry.shard);
        if let Some(entry) = self.young.get(&first).filter(fits) {
            return Some(Some(entry.key));
        }
        if let Some(entry) = self.old.get(&first).filter(fits).copied() {
            self.keep(first, entry);
            return Some(Some(entry.key));
        }
        let vain = self.vain.get(place(tag)).copied().flatten();
        vain.is_some_and(|vain| vain.tag == tag && is_there(vain.shard)).then_some(None)
    }

    /// Remembers in which shard a token was looked for, and which key was found, or that none was.
    pub fn put(&mut self, token: &str, shard: Shard, found: Option<KeyRecord>) {
        let tag = self.secret.tag(token.as_bytes());
        let Tag([first, rest]) = tag;
        match found {
            Some(key) => self.keep(first, Entry { rest, shard, key }),
            None => {
                self.vain.resize(VAIN, None);
                let held = self.vain.get_mut(place(tag));
                held.into_iter().for_each(|held| *held = Some(Vain { tag, shard }));
            }
        }
    }

    #[inline(never)]
    fn keep(&mut self, first: u64, entry: Entry) {
        if self.young.len() >= MOST {
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
        self.young.insert(first, entry);
    }
}

/// Where what was looked for in vain is remembered.
fn place(Tag([first, _]): Tag) -> usize {
    first as usize & (VAIN - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cedarkey_engine::key::KeyId;

    const SHARD: Shard = Shard { number: 3, id: 7 };

    fn key(number: u64) -> KeyRecord {
        let id = KeyId(u128::from(number).to_be_bytes());
        KeyRecord { id, created: 0, not_before: 0, expires: 0, profile: 0 }
    }

    #[test]
    fn what_was_put_is_found_while_its_shard_is_there() {
        let (ids, mut hot) = ([1, 2, 3, 7], Hot::default());
        assert_eq!(hot.get("one", &ids), None);
        hot.put("one", SHARD, Some(key(1)));
        hot.put("other", SHARD, None);
        assert_eq!(hot.get("one", &ids), Some(Some(key(1))));
        assert_eq!((hot.get("other", &ids), hot.get("on", &ids)), (Some(None), None));
        for changed in [[7, 7, 7, 8].as_slice(), &[7, 7, 7], &[]] {
            assert_eq!((hot.get("one", changed), hot.get("other", changed)), (None, None));
        }
        // A key that has gone is remembered as such, and one that has come.
        let (ids, changed) = ([0, 0, 0, 8], Shard { id: 8, ..SHARD });
        hot.put("one", changed, None);
        hot.put("other", changed, Some(key(2)));
        assert_eq!(
            (hot.get("one", &ids), hot.get("other", &ids)),
            (Some(None), Some(Some(key(2))))
        );
    }

    #[test]
    fn a_token_with_half_of_the_same_tag_is_another() {
        let (ids, mut hot) = ([0, 0, 0, 7], Hot::default());
        let tag @ Tag([first, rest]) = hot.secret.tag(b"one");
        let other = Entry { rest: rest ^ 1, shard: SHARD, key: key(1) };
        hot.young.insert(first, other);
        hot.old.insert(first, other);
        hot.put("two", SHARD, None);
        hot.vain[place(tag)] = Some(Vain { tag: Tag([first, rest ^ 1]), shard: SHARD });
        assert_eq!(hot.get("one", &ids), None);
    }

    #[test]
    fn it_is_bounded_and_what_is_asked_for_stays() {
        let (ids, mut hot) = ([0, 0, 0, 7], Hot::default());
        hot.put("kept", SHARD, Some(key(0)));
        for number in 1..=5 * MOST as u64 {
            hot.put(&format!("good {number}"), SHARD, Some(key(number)));
            hot.put(&format!("bad {number}"), SHARD, None);
            assert_eq!(hot.get("kept", &ids), Some(Some(key(0))));
        }
        assert!(hot.young.len() <= MOST && hot.old.len() <= MOST && hot.vain.len() == VAIN);
        assert_eq!((hot.get("good 1", &ids), hot.get("bad 1", &ids)), (None, None));
    }
}
