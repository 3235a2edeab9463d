//! An earlier content, made such that it gives no key back.

use super::keys::{Bound, Fetched, Keys};
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::publisher::Publisher;
use crate::renewal::{Renewal, Renewed};
use cedarkey_bundle::keys::{Directory, KeyShards};
use cedarkey_bundle::{Manifest, SegmentKind, revocations};
use cedarkey_engine::key::KeyId;
use jiff::Timestamp;

/// An earlier content, in which no key is valid that is not in the bundle in force or in the registry,
/// nor for longer.
#[derive(Debug)]
pub struct Restored {
    /// What is to be pushed.
    pub renewed: Renewed,
    /// What that has taken.
    pub bound: Bound,
    /// The keys that worked until now, and do no longer.
    pub stopped: Vec<KeyId>,
}

/// Makes it.
pub async fn restore(
    publisher: &Publisher,
    renewal: &Renewal,
    registered: &Keys,
    current: &Manifest,
    old: &Manifest,
) -> Result<Restored, Failure> {
    let now = Timestamp::now();
    let mut fetched = Fetched::default();
    let in_force = Keys::fetch(publisher, current, &mut fetched).await?;
    let mut keys = Keys::fetch(publisher, old, &mut fetched).await?;
    let bound = keys.bound_by(&in_force, registered);

    let list = revocations::build(keys.refused.iter().copied());
    let mut parts = vec![(SegmentKind::Revocations, list)];
    if bound.narrowed > 0 || bound.dropped > 0 {
        let failed = "the keys cannot be written";
        let shards = KeyShards::build(keys.records.clone()).context(Exit::Bundle, failed)?;
        let directory = Directory::build(&shards).context(Exit::Bundle, failed)?;
        parts.push((SegmentKind::Directory, directory));
        parts.extend(shards.into_iter().map(|shard| (SegmentKind::Keys, shard)));
    }
    let renewed = renewal.sign(old, current, parts, now).await?;
    let [before, after] = [&in_force, &keys].map(|keys| keys.usable(now.as_millisecond()));
    let stopped = before.difference(&after).copied().collect();
    Ok(Restored { renewed, bound, stopped })
}
