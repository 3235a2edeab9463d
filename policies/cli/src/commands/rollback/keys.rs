//! What becomes of keys when an earlier bundle comes back.

use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::publisher::Publisher;
use cedarkey_bundle::keys::KeyIndex;
use cedarkey_bundle::{Digest, Manifest, SegmentKind, revocations};
use cedarkey_engine::key::{KeyId, KeyRecord};
use cedarkey_engine::token::KeyHash;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The keys of a bundle, and those that are refused in it whatever their records say.
#[derive(Clone, Debug)]
pub struct Keys {
    /// All records.
    pub records: Vec<(KeyHash, KeyRecord)>,
    /// What is refused.
    pub refused: BTreeSet<KeyId>,
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
            let list = revocations::open(list)
                .context(Exit::Bundle, "a list of revoked keys cannot be read")?;
            refused.extend(list.iter());
        }
        Ok(Self { records: index.iter().collect(), refused })
    }

    /// Sees to it that no key lives longer than `in_force` has it live, at an instant in milliseconds
    /// since 1970. Gives the keys whose records were changed for that.
    ///
    /// A key that is not in force any more has been over for long: inventories forget such.
    pub fn bound_by(&mut self, in_force: &Self, now: i64) -> BTreeSet<KeyId> {
        self.refused.extend(&in_force.refused);
        let known = in_force.records.iter().map(|(_, key)| (key.id, key));
        let known: HashMap<_, _> = known.collect();
        let mut changed = BTreeSet::new();
        for (_, key) in &mut self.records {
            match known.get(&key.id) {
                Some(bound) if bound.expires < key.expires || bound.not_before > key.not_before => {
                    key.expires = key.expires.min(bound.expires);
                    key.not_before = key.not_before.max(bound.not_before);
                    changed.insert(key.id);
                }
                None if key.expires > now => drop(self.refused.insert(key.id)),
                Some(_) | None => {}
            }
        }
        changed
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
        let changed = old.bound_by(&in_force, NOW);
        assert_eq!(changed, [1, 2].map(id).into());
        let bounds: Vec<_> =
            old.records.iter().map(|(_, key)| (key.not_before, key.expires)).collect();
        let wanted = [(0, 2_000), (3_000, 9_000), (0, 9_000), (0, 9_000), (0, 900)];
        assert_eq!(bounds, wanted);
        // What has expired in the old one too needs no more.
        assert_eq!(old.refused, [3, 4, 7].map(id).into());
        assert_eq!(old.usable(NOW), [1, 2].map(id).into());
        let gained: Vec<_> = old.usable(NOW).difference(&in_force.usable(NOW)).copied().collect();
        assert_eq!(gained, []);
    }
}
