//! An earlier content, signed anew.

use super::Signing;
use super::keys::{Fetched, Keys};
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::publisher::Publisher;
use cedarkey_bundle::keys::{Directory, KeyShards};
use cedarkey_bundle::{Digest, Envelope, Manifest, SegmentKind, SegmentRef, revocations};
use cedarkey_engine::key::KeyId;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// An earlier content, signed anew, in which no key is valid that is not in the bundle in force, nor
/// for longer.
#[derive(Debug)]
pub struct Renewed {
    /// What it consists of, signed.
    pub envelope: Envelope,
    /// The segments that the publisher may not have.
    pub segments: BTreeMap<Digest, Vec<u8>>,
    /// How many keys were revoked, suspended or retired since.
    pub revoked: usize,
    /// How many keys have an earlier end, or a later beginning, than they had then.
    pub bounded: usize,
    /// The keys that worked until now, and do no longer.
    pub stopped: Vec<KeyId>,
}

/// Makes it.
pub async fn renew(
    publisher: &Publisher,
    signing: &Signing,
    current: &Manifest,
    old: &Manifest,
) -> Result<Renewed, Failure> {
    let now = Timestamp::now();
    let mut fetched = Fetched::default();
    let in_force = Keys::fetch(publisher, current, &mut fetched).await?;
    let mut keys = Keys::fetch(publisher, old, &mut fetched).await?;
    let revoked = in_force.refused.difference(&keys.refused).count();
    let bounded = keys.bound_by(&in_force, now.as_millisecond());

    let mut parts =
        vec![(SegmentKind::Revocations, revocations::build(keys.refused.iter().copied()))];
    if !bounded.is_empty() {
        let failed = "the keys cannot be written";
        let shards = KeyShards::build(keys.records.clone()).context(Exit::Bundle, failed)?;
        let directory = Directory::build(&shards).context(Exit::Bundle, failed)?;
        parts.push((SegmentKind::Directory, directory));
        parts.extend(shards.into_iter().map(|shard| (SegmentKind::Keys, shard)));
    }
    let is_new = |kind| parts.iter().any(|(other, _)| *other == kind);
    let kept = old.segments.iter().filter(|segment| !is_new(segment.kind)).copied();
    let mut all: Vec<_> = kept.collect();
    let mut segments = BTreeMap::new();
    for (kind, content) in parts {
        let digest = Digest::of(&content);
        let length =
            u32::try_from(content.len()).context(Exit::Bundle, "there are too many keys")?;
        all.push(SegmentRef { kind, digest, length });
        segments.insert(digest, content);
    }

    let by_time = u64::try_from(now.as_millisecond()).unwrap_or_default();
    let lifetime = old.expires.saturating_sub(old.created);
    let manifest = Manifest {
        name: old.name.clone(),
        version: by_time.max(current.version.saturating_add(1)),
        created: now.as_second(),
        expires: now.as_second().saturating_add(lifetime),
        min_engine: old.min_engine,
        segments: all,
    };
    let envelope = signing.signers.sign_manifest(manifest).await?;
    let [before, after] = [&in_force, &keys].map(|keys| keys.usable(now.as_millisecond()));
    let stopped = before.difference(&after).copied().collect();
    Ok(Renewed { envelope, segments, revoked, bounded: bounded.len(), stopped })
}
