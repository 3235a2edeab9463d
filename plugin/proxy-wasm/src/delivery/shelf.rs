//! The place in shared data where the VMs of a process find the bundle.

use super::port::Port;
use crate::config::Config;
use crate::inventory::{SLOTS, Slot, Stock};
use cedarkey_bundle::{Digest, SegmentKind};

/// The shelf of one bundle, trusted under one set of keys.
///
/// The label says which envelope is the latest, and so which segments. Each of them lies in one of
/// two slots, the one that is to come beside the one in force, and is read only if it has the
/// digest that it must have. How key shards lie here is [`super::stock`]'s affair.
#[derive(Debug)]
pub struct Shelf {
    place: String,
    /// The names of the parts of key shards.
    pub stock: Stock,
}

/// What is on the shelf: a version and the digest of its envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label(Vec<u8>);

/// What lies on the shelf, besides key shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The envelope.
    Envelope,
    /// The one segment of a kind.
    Segment(SegmentKind),
}

/// The kinds of which a bundle has one segment each.
pub const SINGLE: [SegmentKind; 4] =
    [SegmentKind::Model, SegmentKind::Routes, SegmentKind::Revocations, SegmentKind::Directory];

/// Where everything about a configuration's bundle lies. Configurations that would accept other
/// bundles do not meet here.
pub fn place(config: &Config) -> String {
    // The same for the same keys in any order.
    let mut all = Digest([0; 32]);
    for key in &config.trusted {
        let digest = Digest::of(&key.to_bytes());
        all.0.iter_mut().zip(digest.0).for_each(|(all, byte)| *all ^= byte);
    }
    format!("cedarkey/2/{}/{all}", config.bundle)
}

// === impl Shelf ===

impl Shelf {
    /// The shelf of a configuration.
    pub fn new(config: &Config) -> Self {
        let place = place(config);
        Self { stock: Stock::new(&place), place }
    }

    /// What is on the shelf, if anything is.
    pub fn label(&self, port: &mut impl Port) -> Option<Label> {
        self.versioned_label(port).0
    }

    /// A part that has this digest.
    pub fn find(&self, part: Part, digest: &Digest, port: &mut impl Port) -> Option<Vec<u8>> {
        let read = |slot| port.shared(&self.key(part, slot)).0;
        SLOTS.into_iter().filter_map(read).find(|bytes| Digest::of(bytes) == *digest)
    }

    /// Puts a part onto the shelf, unless it is there; not where the one with the digest `keep` is.
    pub fn put(&self, part: Part, bytes: &[u8], keep: Option<Digest>, port: &mut impl Port) {
        let digest = Digest::of(bytes);
        let [first, second] = SLOTS;
        let held = SLOTS.map(|slot| port.shared(&self.key(part, slot)).0.map(|b| Digest::of(&b)));
        if held.contains(&Some(digest)) {
            return;
        }
        let [held, _] = held;
        let slot = if keep.is_some() && held == keep { second } else { first };
        port.set_shared(&self.key(part, slot), Some(bytes), None);
    }

    /// Takes away a part that has another digest than this.
    pub fn keep_only(&self, part: Part, digest: Digest, port: &mut impl Port) {
        for slot in SLOTS {
            let key = self.key(part, slot);
            if port.shared(&key).0.is_some_and(|bytes| Digest::of(&bytes) != digest) {
                port.set_shared(&key, None, None);
            }
        }
    }

    /// Shows a bundle, all of which is on the shelf, to the others. Where another VM has shown a
    /// later one, that stays, unless it is `refused`.
    pub fn announce(&self, new: &Label, refused: Option<&Label>, port: &mut impl Port) {
        let (old, version) = self.versioned_label(port);
        let is_later = |old: &&Label| old.version() >= new.version() && Some(*old) != refused;
        if old.as_ref().is_some_and(|old| is_later(&old)) {
            return;
        }
        // Should another VM be faster, it had something to show: nothing is lost.
        port.set_shared(&self.label_key(), Some(&new.0), version);
    }

    /// Asks whoever asks the publisher to mend what a VM cannot read: a shard of the version in
    /// force, or something else of it.
    pub fn complain(&self, shard: Option<usize>, port: &mut impl Port) {
        let shard = shard.and_then(|shard| u32::try_from(shard).ok()).unwrap_or(u32::MAX);
        port.set_shared(&self.complaint_key(), Some(&shard.to_le_bytes()), None);
    }

    /// What is to be mended, once: `Some(None)` where it is not a shard.
    pub fn complaint(&self, port: &mut impl Port) -> Option<Option<usize>> {
        let value = port.shared(&self.complaint_key()).0?;
        port.set_shared(&self.complaint_key(), None, None);
        let shard = value.first_chunk().map(|shard| u32::from_le_bytes(*shard));
        Some(shard.filter(|shard| *shard != u32::MAX).and_then(|shard| shard.try_into().ok()))
    }

    fn versioned_label(&self, port: &mut impl Port) -> (Option<Label>, Option<u32>) {
        let (value, version) = port.shared(&self.label_key());
        (value.map(Label).filter(|label| label.digest().is_some()), version)
    }

    fn label_key(&self) -> String {
        format!("{}/label", self.place)
    }

    fn complaint_key(&self) -> String {
        format!("{}/complaint", self.place)
    }

    /// The name of the right to write here, which one VM has at a time.
    pub fn pen_key(&self) -> String {
        format!("{}/pen", self.place)
    }

    fn key(&self, part: Part, slot: Slot) -> String {
        match part {
            Part::Envelope => format!("{}/envelope/{slot}", self.place),
            Part::Segment(kind) => format!("{}/{kind}/{slot}", self.place),
        }
    }
}

// === impl Label ===

impl Label {
    /// Of a version and its envelope.
    pub fn new(version: u64, envelope: &Digest) -> Self {
        let mut bytes = version.to_le_bytes().to_vec();
        bytes.extend_from_slice(&envelope.0);
        Self(bytes)
    }

    /// The version.
    pub fn version(&self) -> Option<u64> {
        self.0.first_chunk().map(|version| u64::from_le_bytes(*version))
    }

    /// The digest of the envelope.
    pub fn digest(&self) -> Option<Digest> {
        let (_, digest) = self.0.split_first_chunk::<8>()?;
        digest.try_into().ok().map(Digest)
    }
}
