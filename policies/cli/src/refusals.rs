//! Telling proxies which keys are refused, and nothing else: what can be done without a project that
//! can be built.

use crate::bundle::PATIENCE;
use crate::failure::Failure;
use crate::project::{self, Settings};
use crate::publisher::{InForce, Publisher, Rejection};
use crate::renewal::{Renewal, refused};
use cedarkey_bundle::{SegmentKind, revocations};
use cedarkey_engine::key::KeyId;
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::time::Instant;

/// Adds all keys that the registry refuses to those that the bundle in force does, and gives the
/// version in which it is so. `None` where no bundle of this project is in force.
pub async fn push(settings: &Settings, publisher: &Publisher) -> Result<Option<u64>, Failure> {
    let renewal = Renewal::read(settings)?;
    let all = project::all_keys(settings).await?;
    let refused = all.iter().filter(|key| key.is_known() && key.is_refused());
    let keys: BTreeSet<_> = refused.filter_map(|key| KeyId::parse(&key.id)).collect();
    let begun = Instant::now();
    loop {
        match once(&renewal, &keys, publisher).await {
            // Whoever was first knew of all that is refused, or not: what is there now counts.
            Err(Rejection::Overtaken(_)) if begun.elapsed() < PATIENCE => {}
            told => return Ok(told?),
        }
    }
}

async fn once(
    renewal: &Renewal,
    keys: &BTreeSet<KeyId>,
    publisher: &Publisher,
) -> Result<Option<u64>, Rejection> {
    let InForce { envelope, etag } = match publisher.in_force(renewal.name()).await {
        Err(Rejection::NotFound(_)) => return Ok(None),
        other => other?,
    };
    let Ok(current) = renewal.verified(&envelope) else { return Ok(None) };
    let mut all = BTreeSet::new();
    for list in current.segments.iter().filter(|it| it.kind == SegmentKind::Revocations) {
        all.extend(refused(publisher.segment(list).await?)?);
    }
    if keys.is_subset(&all) {
        return Ok(Some(current.version));
    }
    all.extend(keys);
    let parts = vec![(SegmentKind::Revocations, revocations::build(all))];
    let renewed = renewal.sign(current, current, parts, Timestamp::now()).await?;
    Ok(Some(renewed.push(publisher, &etag).await?.version))
}
