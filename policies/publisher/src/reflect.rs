//! Keeping folders and object stores up to date with what is pushed.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::Duration,
};

use axum::body::Bytes;
use cedarkey_bundle::Envelope;

use crate::{
    Mirror, MirrorError, Shared,
    store::{Latest, StoreError},
};

/// How long to wait before what failed is tried again: at first, and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));

/// Why a bundle is not where it should be.
#[derive(Debug, thiserror::Error)]
enum ReflectError {
    #[error(transparent)]
    Mirror(#[from] MirrorError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Writes every version that becomes known to one mirror, until the publisher is gone.
pub(crate) async fn follow(shared: Weak<Shared>, mirror: Mirror) {
    let mut written: HashMap<String, u64> = HashMap::new();
    let mut pause = PAUSE.0;
    let Some(mut changes) = shared.upgrade().map(|shared| shared.arrivals.changes()) else {
        return;
    };
    loop {
        changes.borrow_and_update();
        let Some(strong) = shared.upgrade() else { return };
        let all_written = strong.reflect(&mirror, &mut written).await;
        drop(strong);
        if all_written {
            pause = PAUSE.0;
            // An end is that of the publisher.
            if changes.changed().await.is_err() {
                return;
            }
        } else {
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2).min(PAUSE.1);
        }
    }
}

// === impl Shared ===

impl Shared {
    /// Writes what is not written yet; whether nothing is left to do.
    async fn reflect(&self, mirror: &Mirror, written: &mut HashMap<String, u64>) -> bool {
        let mut done = true;
        for (name, latest) in self.arrivals.by_name() {
            if written.get(&name).is_some_and(|written| *written >= latest.version) {
                continue;
            }
            let version = latest.version;
            match self.reflect_one(mirror, &latest).await {
                Ok(()) => tracing::info!(bundle = name, version, %mirror, "mirrored"),
                // Another publisher over the same database is as good.
                Err(ReflectError::Mirror(MirrorError::OldVersion { .. })) => {}
                Err(error) => {
                    tracing::warn!(bundle = name, version, %mirror, %error, "not mirrored yet");
                    done = false;
                    continue;
                }
            }
            written.insert(name, version);
        }
        done
    }

    async fn reflect_one(&self, mirror: &Mirror, latest: &Arc<Latest>) -> Result<(), ReflectError> {
        // What was pushed was decoded then.
        let Ok(envelope) = Envelope::decode_whole(&latest.envelope) else { return Ok(()) };
        let segment = async |digest| {
            let content = self.store.segment(&digest).await?;
            Ok::<_, ReflectError>(content.map(Bytes::from))
        };
        mirror.publish(&envelope, segment).await?;
        Ok(())
    }
}
