//! The place in shared data where the VMs of a process find the bundle.

use super::accept::{Active, LoadError};
use super::fetch::Fetched;
use super::port::Port;
use crate::config::Config;
use cedarkey_bundle::{Digest, Envelope};

/// The shelf of one bundle, trusted under one set of keys.
///
/// The envelope and the segments lie under their digests, and are read only if they have them. The
/// label says which envelope is the latest. Nothing can be deleted from shared data: what is no
/// longer needed is made empty.
#[derive(Debug)]
pub struct Shelf {
    place: String,
}

/// What is on the shelf: a version and the digest of its envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label(Vec<u8>);

/// Where everything about a configuration's bundle lies. Configurations that would accept other
/// bundles do not meet here.
pub fn place(config: &Config) -> String {
    // The same for the same keys in any order.
    let mut all = Digest([0; 32]);
    for key in &config.trusted {
        let digest = Digest::of(key.as_bytes());
        all.0.iter_mut().zip(digest.0).for_each(|(all, byte)| *all ^= byte);
    }
    format!("cedarkey/1/{}/{all}", config.bundle)
}

// === impl Shelf ===

impl Shelf {
    /// The shelf of a configuration.
    pub fn new(config: &Config) -> Self {
        Self { place: place(config) }
    }

    /// What is on the shelf, if anything is.
    pub fn label(&self, port: &mut impl Port) -> Option<Label> {
        self.versioned_label(port).0
    }

    /// A segment that is on the shelf already.
    pub fn segment(&self, digest: &Digest, port: &mut impl Port) -> Option<Vec<u8>> {
        port.shared(&self.key(digest)).0.filter(|bytes| Digest::of(bytes) == *digest)
    }

    /// Takes what the label speaks of.
    pub fn take(
        &self,
        label: &Label,
        port: &mut impl Port,
    ) -> Result<(Envelope, Vec<Vec<u8>>), LoadError> {
        let digest = label.digest().ok_or(LoadError::Incomplete)?;
        let envelope = self.segment(&digest, port).ok_or(LoadError::Incomplete)?;
        let (envelope, _) = Envelope::decode(&envelope)?;
        let named = envelope.manifest().segments.iter();
        let segments =
            named.map(|segment| self.segment(&segment.digest, port).ok_or(LoadError::Incomplete));
        let segments = segments.collect::<Result<_, _>>()?;
        Ok((envelope, segments))
    }

    /// Puts a bundle onto the shelf, not yet to be seen. Gives what was not there before.
    pub fn store(&self, fetched: &Fetched, port: &mut impl Port) -> Vec<Digest> {
        let envelope = fetched.envelope.encode();
        let envelope = (Digest::of(&envelope), envelope.as_slice());
        let named = fetched.envelope.manifest().segments.iter().map(|segment| segment.digest);
        let segments = named.zip(fetched.segments.iter().map(Vec::as_slice));
        let mut stored = Vec::new();
        for (digest, bytes) in segments.chain([envelope]) {
            if self.segment(&digest, port).is_none() {
                port.set_shared(&self.key(&digest), Some(bytes), None);
                stored.push(digest);
            }
        }
        stored
    }

    /// Takes away what nobody needs.
    pub fn clear(&self, digests: impl IntoIterator<Item = Digest>, port: &mut impl Port) {
        for digest in digests {
            port.set_shared(&self.key(&digest), None, None);
        }
    }

    /// Shows the bundle that was stored to the others, and takes away what they no longer need of
    /// the one before. Where another VM has shown a later one, that stays, unless it is `refused`.
    pub fn announce(
        &self,
        active: &Active,
        envelope: &Envelope,
        before: &[Digest],
        refused: Option<&Label>,
        port: &mut impl Port,
    ) {
        let digest = Digest::of(&envelope.encode());
        let new = Label::new(active.version(), &digest);
        let (old, version) = self.versioned_label(port);
        let is_later = |old: &&Label| old.version() >= new.version() && Some(*old) != refused;
        if old.as_ref().is_some_and(|old| is_later(&old)) {
            return;
        }
        // Should another VM be faster, it had something to show: nothing is lost.
        if port.set_shared(&self.label_key(), Some(&new.0), version) {
            let kept: Vec<_> = active.segments().chain([digest]).collect();
            let gone = before.iter().copied().chain(old.and_then(|old| old.digest()));
            self.clear(gone.filter(|digest| !kept.contains(digest)), port);
        }
    }

    fn versioned_label(&self, port: &mut impl Port) -> (Option<Label>, Option<u32>) {
        let (value, version) = port.shared(&self.label_key());
        (value.map(Label).filter(|label| label.version().is_some()), version)
    }

    fn label_key(&self) -> String {
        format!("{}/label", self.place)
    }

    fn key(&self, digest: &Digest) -> String {
        format!("{}/{digest}", self.place)
    }
}

// === impl Label ===

impl Label {
    fn new(version: u64, envelope: &Digest) -> Self {
        let mut bytes = version.to_le_bytes().to_vec();
        bytes.extend_from_slice(&envelope.0);
        Self(bytes)
    }

    /// The version.
    pub fn version(&self) -> Option<u64> {
        self.0.first_chunk().map(|version| u64::from_le_bytes(*version))
    }

    fn digest(&self) -> Option<Digest> {
        let (_, digest) = self.0.split_first_chunk::<8>()?;
        digest.try_into().ok().map(Digest)
    }
}
