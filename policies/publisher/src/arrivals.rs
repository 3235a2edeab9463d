//! Waking those who wait for a bundle.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use crate::store::Latest;

/// One channel per bundle that somebody ever waited for.
///
/// The channel carries the envelope itself, so that a push that wakes a thousand proxies does not
/// read the database a thousand times.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    channels: Mutex<HashMap<String, watch::Sender<Option<Arc<Latest>>>>>,
}

/// Receives what is pushed under one name after the subscription.
pub(crate) type Arrival = watch::Receiver<Option<Arc<Latest>>>;

// === impl Arrivals ===

impl Arrivals {
    /// Waits for the bundle of this name, which must exist: names that anyone can make up would
    /// fill the memory.
    pub(crate) fn subscribe(&self, name: &str) -> Arrival {
        let mut channels = self.lock();
        if let Some(channel) = channels.get(name) {
            return channel.subscribe();
        }
        channels.entry(name.to_owned()).or_default().subscribe()
    }

    /// Wakes those who wait, unless they were already told of a later version.
    pub(crate) fn announce(&self, name: &str, latest: &Arc<Latest>) {
        if let Some(channel) = self.lock().get(name) {
            channel.send_if_modified(|current| {
                if current.as_ref().is_some_and(|current| current.version >= latest.version) {
                    return false;
                }
                *current = Some(Arc::clone(latest));
                true
            });
        }
    }

    pub(crate) fn waiting(&self) -> usize {
        self.lock().values().map(watch::Sender::receiver_count).fold(0, usize::saturating_add)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, watch::Sender<Option<Arc<Latest>>>>> {
        // Nothing is left half done by any of the above, so a panic elsewhere does no harm.
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
