//! What becomes of keys when an earlier bundle comes back.

use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::project::{self, Settings};
use crate::publisher::Publisher;
use crate::renewal;
use cedarkey_bundle::keys::KeyIndex;
use cedarkey_bundle::{Digest, Manifest, SegmentKind};
use cedarkey_engine::key::{KeyId, KeyRecord};
use cedarkey_engine::token::KeyHash;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The keys of a bundle or of a registry, and those that are refused whatever their records say.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    /// All records.
    pub records: Vec<(KeyHash, KeyRecord)>,
    /// What is refused.
    pub refused: BTreeSet<KeyId>,
}

/// What was made of keys so that none lives again, or longer: how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bound {
    /// Are refused, and were not.
    pub refused: usize,
    /// End earlier, or begin later.
    pub narrowed: usize,
    /// Were left out, as nobody knows them any more.
    pub dropped: usize,
}

/// The segments that were fetched, of which two bundles may have many in common.
#[derive(Debug, Default)]
pub struct Fetched(BTreeMap<Digest, Vec<u8>>);

// === impl Keys ===

impl Keys {
    /// Those of a bundle on the publisher.
    pub async fn fetch(
        publisher: &Publisher,
        manifest: &Manifest,
        fetched: &mut Fetched,
    ) -> Result<Self, Failure> {
        let shards = fetched.all(publisher, manifest, SegmentKind::Keys).await?;
        let index = KeyIndex::open(shards).context(Exit::Bundle, "the keys cannot be read")?;
        let mut refused = BTreeSet::new();
        for list in fetched.all(publisher, manifest, SegmentKind::Revocations).await? {
            refused.extend(renewal::refused(list)?);
        }
        Ok(Self { records: index.iter().collect(), refused })
    }

    /// Those of the project's registry, or none where it is not at hand. A key that was never
    /// approved is refused.
    pub async fn registered(settings: &Settings) -> Result<Self, Failure> {
        let mut keys = Self::default();
        for key in project::all_keys(settings).await? {
            let known = KeyId::parse(&key.id).zip(KeyHash::from_hex(&key.hash));
            let Some((id, hash)) = known else { continue };
            let (created, not_before) =
                (key.created.as_millisecond(), key.not_before.as_millisecond());
            let expires = key.expires.map_or(i64::MAX, Timestamp::as_millisecond);
            keys.records.push((hash, KeyRecord { id, created, not_before, expires, profile: 0 }));
            if key.is_refused() {
                keys.refused.insert(id);
            }
        }
        Ok(keys)
    }

    /// Sees to it that no key is accepted that one of these refuses, nor for longer than each that
    /// has it says. What neither has is left out: it may have been over for so long that it was
    /// forgotten.
    pub fn bound_by(&mut self, in_force: &Self, registered: &Self) -> Bound {
        let mut bounds = HashMap::new();
        for (_, key) in in_force.records.iter().chain(&registered.records) {
            let (from, until) = bounds.entry(key.id).or_insert((i64::MIN, i64::MAX));
            *from = key.not_before.max(*from);
            *until = key.expires.min(*until);
        }
        let mut bound = Bound::default();
        let refused_before = self.refused.clone();
        self.refused.extend(&in_force.refused);
        self.records.retain_mut(|(_, key)| {
            let Some((from, until)) = bounds.get(&key.id) else {
                bound.dropped = bound.dropped.saturating_add(1);
                return false;
            };
            if *until < key.expires || *from > key.not_before {
                key.expires = key.expires.min(*until);
                key.not_before = key.not_before.max(*from);
                bound.narrowed = bound.narrowed.saturating_add(1);
            }
            if registered.refused.contains(&key.id) {
                self.refused.insert(key.id);
            }
            if self.refused.contains(&key.id) && !refused_before.contains(&key.id) {
                bound.refused = bound.refused.saturating_add(1);
            }
            true
        });
        bound
    }

    /// The keys that a proxy may let pass, now or later.
    pub fn usable(&self, now: i64) -> BTreeSet<KeyId> {
        let keys = self.records.iter().map(|(_, key)| key);
        let usable = keys
            .filter(|key| !key.is_decoy() && key.expires > now && !self.refused.contains(&key.id));
        usable.map(|key| key.id).collect()
    }
}

// === impl Fetched ===

impl Fetched {
    /// All segments of a kind, in their order.
    async fn all(
        &mut self,
        publisher: &Publisher,
        manifest: &Manifest,
        kind: SegmentKind,
    ) -> Result<Vec<Vec<u8>>, Failure> {
        let mut all = Vec::new();
        for segment in manifest.segments.iter().filter(|segment| segment.kind == kind) {
            let content = match self.0.get(&segment.digest) {
                Some(known) => known.clone(),
                None => publisher.segment(segment).await?,
            };
            self.0.insert(segment.digest, content.clone());
            all.push(content);
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_000;

    fn id(number: u8) -> KeyId {
        KeyId([number; 16])
    }

    fn keys(records: &[(u8, i64, i64)], refused: &[u8]) -> Keys {
        let record = |&(number, not_before, expires)| {
            let key = KeyRecord { id: id(number), created: 0, not_before, expires, profile: 0 };
            (KeyHash([number; 32]), key)
        };
        let refused = refused.iter().copied().map(id).collect();
        Keys { records: records.iter().map(record).collect(), refused }
    }

    #[test]
    fn no_key_lives_longer_than_it_does_in_force() {
        let old = [(1, 0, 9_000), (2, 0, 9_000), (3, 0, 9_000), (4, 0, 9_000), (5, 0, 900)];
        let mut old = keys(&old, &[7]);
        // Shortened, put off, lengthened; 4 and 5 are no longer there, 6 is new.
        let in_force = [(1, 0, 2_000), (2, 3_000, 9_000), (3, 0, 10_000), (6, 0, 9_000)];
        let in_force = keys(&in_force, &[3]);
        let bound = old.bound_by(&in_force, &Keys::default());
        assert_eq!(bound, Bound { refused: 1, narrowed: 2, dropped: 2 });
        let told = |(_, key): &(KeyHash, KeyRecord)| (key.id, key.not_before, key.expires);
        let bounds: Vec<_> = old.records.iter().map(told).collect();
        assert_eq!(bounds, [(id(1), 0, 2_000), (id(2), 3_000, 9_000), (id(3), 0, 9_000)]);
        assert_eq!(old.refused, [3, 7].map(id).into());
        assert_eq!(old.usable(NOW), [1, 2].map(id).into());
    }

    #[test]
    fn what_is_in_force_may_be_old_and_the_registry_knows_better() {
        let mut old = keys(&[(1, 0, 9_000), (2, 0, 9_000), (3, 0, 9_000), (4, 0, 9_000)], &[]);
        // A publisher that was restored has the first two as they were, and has lost the others.
        let in_force = keys(&[(1, 0, 9_000), (2, 0, 9_000)], &[]);
        let registry = keys(&[(1, 0, 9_000), (2, 0, 3_000), (3, 0, 9_000)], &[1, 8]);
        let bound = old.bound_by(&in_force, &registry);
        assert_eq!(bound, Bound { refused: 1, narrowed: 1, dropped: 1 });
        assert_eq!(old.refused, [id(1)].into(), "others that the registry refuses are not there");
        assert_eq!(old.usable(NOW), [2, 3].map(id).into());
    }
}
