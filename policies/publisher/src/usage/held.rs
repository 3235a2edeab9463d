//! Which keys a bundle holds: usage is written down of these alone.
//!
//! An id is 16 bytes that anybody can make up; what is signed is the bundle. Its key segments are
//! sorted by hashes of tokens, of which a report knows nothing, so the ids are read out of them: for
//! the newest version of each bundle of which a report came, and of a later one only from the
//! segments that differ.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use cedarkey_bundle::{Digest, Envelope, Manifest, SegmentKind, keys};
use cedarkey_engine::key::KeyId;
use tokio::{sync::Mutex, task::spawn_blocking};

use crate::{
    problem::Problem,
    store::{Latest, Store},
};

/// The keys of the newest version of each bundle, by name.
#[derive(Debug, Default)]
pub(crate) struct Holdings(Mutex<HashMap<String, Arc<Held>>>);

/// The keys that a version of a bundle holds. It takes 20 bytes for each of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Held {
    version: u64,
    /// The key segments, in the order of their numbers.
    shards: Vec<Digest>,
    /// In order, each with the number of the segment that it is in.
    ids: Vec<(KeyId, u32)>,
}

// === impl Holdings ===

impl Holdings {
    /// The keys of the newest version of a bundle.
    pub(crate) async fn of(
        &self,
        name: &str,
        latest: &Latest,
        store: &Store,
    ) -> Result<Arc<Held>, Problem> {
        // One after the other: what one reads is what the others need.
        let mut known = self.0.lock().await;
        if let Some(held) = known.get(name).filter(|held| held.version >= latest.version) {
            return Ok(Arc::clone(held));
        }
        let envelope = Envelope::decode_whole(&latest.envelope)?;
        let shards = shards(envelope.manifest());
        let old = known.get(name).filter(|old| old.shards.len() == shards.len());
        let has = |at: usize| old.and_then(|old| old.shards.get(at));
        let mut other = BTreeSet::new();
        let mut ids = Vec::new();
        for (number, (at, digest)) in (0_u32..).zip(shards.iter().enumerate()) {
            if has(at) == Some(digest) {
                continue;
            }
            other.insert(number);
            // It is gone where there is a newer version already, which is then asked for.
            let shard = store.segment(digest).await?.ok_or(Problem::Busy)?;
            match keys::ids(at, shard) {
                Ok(found) => ids.extend(found.into_iter().map(|id| (id, number))),
                // Proxies refuse such a bundle, so none of its keys is used.
                Err(error) => tracing::warn!(bundle = name, %error, "the bundle has no such keys"),
            }
        }
        let (old, version) = (old.map(Arc::clone).unwrap_or_default(), latest.version);
        let merged = spawn_blocking(move || old.replaced(version, shards, &other, ids)).await;
        let held = Arc::new(merged.map_err(|_| Problem::Internal)?);
        known.insert(name.to_owned(), Arc::clone(&held));
        Ok(held)
    }
}

/// The digests of the key segments of a bundle.
fn shards(manifest: &Manifest) -> Vec<Digest> {
    let shards = manifest.segments.iter().filter(|segment| segment.kind == SegmentKind::Keys);
    shards.map(|segment| segment.digest).collect()
}

// === impl Held ===

impl Held {
    /// Whether it holds this key.
    pub(crate) fn has(&self, id: KeyId) -> bool {
        self.ids.binary_search_by_key(&id, |(held, _)| *held).is_ok()
    }

    /// The next version, with these ids in the segments that differ.
    fn replaced(
        &self,
        version: u64,
        shards: Vec<Digest>,
        other: &BTreeSet<u32>,
        ids: Vec<(KeyId, u32)>,
    ) -> Self {
        let same = self.ids.iter().filter(|(_, shard)| !other.contains(shard)).copied();
        let mut ids: Vec<_> = same.chain(ids).collect();
        // What stays is one run already.
        ids.sort();
        Self { version, shards, ids }
    }

    #[cfg(test)]
    pub(crate) fn with(ids: &[KeyId]) -> Self {
        let ids = ids.iter().map(|id| (*id, 0)).collect();
        Self::default().replaced(1, Vec::new(), &BTreeSet::new(), ids)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u128) -> KeyId {
        KeyId(number.to_be_bytes())
    }

    #[test]
    fn of_a_later_version_only_what_differs_is_taken_anew() {
        let (one, two) = (Digest([1; 32]), Digest([2; 32]));
        let both = vec![(id(4), 1), (id(1), 0), (id(3), 1), (id(2), 0)];
        let all = BTreeSet::from([0, 1]);
        let first = Held::default().replaced(1, vec![one, one], &all, both);
        assert!([1, 2, 3, 4].into_iter().all(|number| first.has(id(number))));
        let second =
            first.replaced(2, vec![one, two], &BTreeSet::from([1]), vec![(id(9), 1), (id(3), 1)]);
        let has: Vec<_> = (0..=10).filter(|number| second.has(id(*number))).collect();
        assert_eq!(has, [1, 2, 3, 9]);
    }
}
