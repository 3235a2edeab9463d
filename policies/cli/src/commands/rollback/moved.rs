//! Which keys a rollback takes away, and which it gives back.

use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::output::{NOTICE, counted};
use crate::publisher::Publisher;
use cedarkey_bundle::keys::KeyIndex;
use cedarkey_bundle::{Digest, Manifest, SegmentKind, SegmentRef};
use cedarkey_engine::key::KeyId;
use serde_json::{Value, json};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

/// The keys of a bundle, and those that are revoked in it.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// Where its keys are.
    pub manifest: &'a Manifest,
    /// What is revoked.
    pub revoked: &'a BTreeSet<KeyId>,
}

/// The keys that no longer work, and those that work again.
#[derive(Debug, Default)]
pub struct Moved {
    stopped: Vec<KeyId>,
    restored: Vec<KeyId>,
}

/// How many keys are named.
const NAMED: usize = 20;

// === impl Moved ===

impl Moved {
    /// What is another after than before, at an instant in milliseconds since 1970.
    pub async fn between(
        publisher: &Publisher,
        before: Side<'_>,
        after: Side<'_>,
        now: i64,
    ) -> Result<Self, Failure> {
        if before.revoked == after.revoked && before.shards().eq(after.shards()) {
            return Ok(Self::default());
        }
        let mut fetched = BTreeMap::new();
        let before = before.usable(publisher, &mut fetched, now).await?;
        let after = after.usable(publisher, &mut fetched, now).await?;
        Ok(Self {
            stopped: before.difference(&after).copied().collect(),
            restored: after.difference(&before).copied().collect(),
        })
    }

    /// For programs.
    pub fn view(&self) -> (Value, Value) {
        let ids = |ids: &[KeyId]| json!(ids.iter().map(ToString::to_string).collect::<Vec<_>>());
        (ids(&self.stopped), ids(&self.restored))
    }

    /// For people.
    pub fn tell(&self, out: &mut dyn Write) {
        let lists = [
            (&self.stopped, "unknown or refused until the next push"),
            (&self.restored, "accepted again until the next push"),
        ];
        for (ids, what) in lists.into_iter().filter(|(ids, _)| !ids.is_empty()) {
            let keys = counted(ids.len(), "key");
            let _ = writeln!(out, "{NOTICE}{keys} {what}{NOTICE:#}:");
            for id in ids.iter().take(NAMED) {
                let _ = writeln!(out, "  {id}");
            }
            if let Some(more) = ids.len().checked_sub(NAMED).filter(|more| *more > 0) {
                let _ = writeln!(out, "  and {more} more");
            }
        }
    }
}

// === impl Side ===

impl<'a> Side<'a> {
    fn shards(self) -> impl Iterator<Item = &'a SegmentRef> {
        self.manifest.segments.iter().filter(|segment| segment.kind == SegmentKind::Keys)
    }

    /// The keys that a proxy may let pass, now or later.
    async fn usable(
        self,
        publisher: &Publisher,
        fetched: &mut BTreeMap<Digest, Vec<u8>>,
        now: i64,
    ) -> Result<BTreeSet<KeyId>, Failure> {
        let mut shards = Vec::new();
        for shard in self.shards() {
            let content = match fetched.entry(shard.digest) {
                Entry::Occupied(known) => known.get().clone(),
                Entry::Vacant(unknown) => unknown.insert(publisher.segment(shard).await?).clone(),
            };
            shards.push(content);
        }
        let keys = KeyIndex::open(shards).context(Exit::Bundle, "the keys cannot be read")?;
        let keys = keys.iter().map(|(_, key)| key);
        let usable = keys
            .filter(|key| !key.is_decoy() && key.expires > now && !self.revoked.contains(&key.id));
        Ok(usable.map(|key| key.id).collect())
    }
}
