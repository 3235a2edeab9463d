//! Telling what delivery has led to, and taking it into force.

use crate::delivery::{Event, Origin};
use crate::host;
use crate::shared::Shared;
use proxy_wasm::types::LogLevel;
use std::cell::Cell;

/// What was told last, so that nothing is told over and over.
#[derive(Debug, Default)]
pub struct News {
    /// The cause of the last failure: each is said once, until another thing happens.
    said: Cell<Option<&'static str>>,
    stale: Cell<Option<bool>>,
}

// === impl Shared ===

impl Shared {
    /// Tells what delivery has led to.
    pub fn tell(&self, event: Option<Event>) {
        match event {
            None => {}
            Some(Event::Active(active, origin)) => {
                let (version, keys) = (active.version(), active.keys.count());
                let expires = u64::try_from(active.manifest.expires).unwrap_or_default();
                self.metrics.load("ok");
                self.metrics.bundle(version, keys, expires);
                let (level, from) = match origin {
                    Origin::Publisher => (LogLevel::Info, "the cluster"),
                    Origin::Seed => (LogLevel::Info, "the configuration"),
                    // There is one VM for each worker, and one of them has said it.
                    Origin::Shelf => (LogLevel::Debug, "shared data"),
                };
                host::log(level, &format!("bundle version {version} from {from} is in force"));
                self.active.replace(Some(active));
                self.news.said.set(None);
                self.news.stale.set(None);
            }
            Some(Event::Failed(error)) => {
                let cause = error.label();
                self.metrics.load(cause);
                if self.news.said.replace(Some(cause)) == Some(cause) {
                    return;
                }
                let consequence = match self.active.borrow().is_some() {
                    true => "the last good bundle stays in force",
                    false => "there is no bundle, every request is denied",
                };
                host::log(LogLevel::Warn, &format!("{error}; {consequence}"));
            }
        }
    }

    /// Tells when the bundle in force expires.
    pub fn watch_expiry(&self) {
        let now = self.latest(host::now());
        let stale = self.active.borrow().as_ref().map(|active| active.is_stale(now));
        if let Some(stale) = stale
            && self.news.stale.replace(Some(stale)) != Some(stale)
        {
            self.metrics.stale(stale);
            if stale {
                host::log(LogLevel::Error, "the bundle in force has expired");
            }
        }
    }
}
