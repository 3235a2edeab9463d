//! Waking those who wait for a bundle.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use crate::store::Latest;

/// One channel per bundle, which carries the newest envelope that is known.
///
/// A push that wakes a thousand proxies does not read the database a thousand times, and proxies
/// are answered while the database is away.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    channels: Mutex<HashMap<String, watch::Sender<Option<Arc<Latest>>>>>,
    /// Told whenever anything becomes known.
    changed: watch::Sender<()>,
}

/// Receives what becomes known under one name.
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

    /// Remembers a version that was read or pushed, and wakes those who wait, unless a later one is
    /// known.
    pub(crate) fn learn(&self, name: &str, latest: &Arc<Latest>) {
        let mut channels = self.lock();
        let learn = |channel: &watch::Sender<Option<Arc<Latest>>>| {
            channel.send_if_modified(|current| {
                if current.as_ref().is_some_and(|current| current.version >= latest.version) {
                    return false;
                }
                *current = Some(Arc::clone(latest));
                true
            })
        };
        let is_new = match channels.get(name) {
            Some(channel) => learn(channel),
            None => learn(channels.entry(name.to_owned()).or_default()),
        };
        if is_new {
            self.changed.send_replace(());
        }
    }

    /// Tells whenever anything becomes known.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// The newest version that is known of every bundle, in no order.
    pub(crate) fn by_name(&self) -> Vec<(String, Arc<Latest>)> {
        let channels = self.lock();
        let known =
            channels.iter().map(|(name, channel)| Some((name.clone(), channel.borrow().clone()?)));
        known.flatten().collect()
    }

    /// The newest version that is known of a bundle.
    pub(crate) fn known(&self, name: &str) -> Option<Arc<Latest>> {
        self.lock().get(name)?.borrow().clone()
    }

    pub(crate) fn waiting(&self) -> usize {
        self.lock().values().map(watch::Sender::receiver_count).fold(0, usize::saturating_add)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, watch::Sender<Option<Arc<Latest>>>>> {
        // Nothing is left half done by any of the above, so a panic elsewhere does no harm.
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
