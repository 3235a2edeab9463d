//! Which proxy runs what, as the proxies say themselves.
//!
//! A publisher remembers what it is told and writes it down now and then, so that all publishers
//! over one database know the whole fleet. Nothing here decides anything: whoever can reach the
//! publisher can claim to be a proxy.

mod report;
mod view;

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;

use crate::{Shared, clock::now};

pub(crate) use report::Report;
pub(crate) use view::get;

/// How many proxies a publisher remembers. Others are counted and not remembered.
const MAX_PROXIES: usize = 10_000;

/// A proxy that has not been heard of for so long is silent, in seconds: a request is held for at
/// most a minute, and the filter pauses for at most ten seconds when one fails.
const SILENT: i64 = 180;

/// For how long a proxy is remembered after it was last heard of, in seconds.
const REMEMBERED: i64 = 24 * 3600;

/// What is known of a proxy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Seen {
    pub(crate) bundle: String,
    #[serde(flatten)]
    pub(crate) report: Report,
    /// When it was last heard of, in seconds since 1970-01-01T00:00:00Z.
    pub(crate) seen: i64,
}

/// What a publisher was told by proxies.
#[derive(Debug, Default)]
pub(crate) struct Fleet {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    proxies: HashMap<(String, String), Entry>,
    /// How many reports were not remembered for want of room.
    unrecorded: u64,
}

#[derive(Debug)]
struct Entry {
    seen: Seen,
    /// Whether the database does not know yet.
    is_new: bool,
}

// === impl Fleet ===

impl Fleet {
    /// Remembers what a proxy said. The bundle is one that exists.
    pub(crate) fn hear(&self, bundle: &str, report: &Report) {
        let seen = Seen { bundle: bundle.to_owned(), report: report.clone(), seen: now() };
        let key = (bundle.to_owned(), report.node.clone());
        let mut known = self.lock();
        if known.proxies.len() >= MAX_PROXIES && !known.proxies.contains_key(&key) {
            let since = seen.seen.saturating_sub(SILENT);
            known.proxies.retain(|_, entry| entry.is_new || entry.seen.seen >= since);
            if known.proxies.len() >= MAX_PROXIES {
                known.unrecorded = known.unrecorded.saturating_add(1);
                return;
            }
        }
        known.proxies.insert(key, Entry { seen, is_new: true });
    }

    /// What the database does not know yet. It is taken for known from now on.
    fn take_new(&self) -> Vec<Seen> {
        let mut known = self.lock();
        let since = now().saturating_sub(REMEMBERED);
        known.proxies.retain(|_, entry| entry.seen.seen >= since);
        let new = known.proxies.values_mut().filter(|entry| entry.is_new);
        new.map(|entry| {
            entry.is_new = false;
            entry.seen.clone()
        })
        .collect()
    }

    /// What could not be written down.
    fn put_back(&self, new: Vec<Seen>) {
        let mut known = self.lock();
        for seen in new {
            if let Some(entry) =
                known.proxies.get_mut(&(seen.bundle.clone(), seen.report.node.clone()))
            {
                entry.is_new = true;
            }
        }
    }

    /// Those that were told of a bundle, in no order, and how many were not remembered.
    fn of(&self, bundle: &str) -> (Vec<Seen>, u64) {
        let known = self.lock();
        let entries = known.proxies.values().map(|entry| &entry.seen);
        (entries.filter(|seen| seen.bundle == bundle).cloned().collect(), known.unrecorded)
    }

    /// For each bundle, how many proxies are not silent, and how many of these are behind a version.
    pub(crate) fn counts(&self, newest: impl Fn(&str) -> Option<i64>) -> Vec<(String, i64, i64)> {
        let since = now().saturating_sub(SILENT);
        let mut counts: HashMap<String, (i64, i64)> = HashMap::new();
        for Entry { seen, .. } in self.lock().proxies.values() {
            if seen.seen < since {
                continue;
            }
            let (all, behind) = counts.entry(seen.bundle.clone()).or_default();
            *all = all.saturating_add(1);
            if seen.report.version < newest(&seen.bundle) {
                *behind = behind.saturating_add(1);
            }
        }
        counts.into_iter().map(|(bundle, (all, behind))| (bundle, all, behind)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // Nothing is left half done by any of the above, so a panic elsewhere does no harm.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Shared ===

impl Shared {
    /// Writes down what proxies have said.
    pub(crate) async fn write_fleet(&self) {
        let new = self.fleet.take_new();
        if new.is_empty() {
            return;
        }
        let old = now().saturating_sub(REMEMBERED);
        if let Err(error) = self.store.put_fleet(&new, old).await {
            tracing::warn!(%error, "cannot write down what proxies said; trying again");
            self.fleet.put_back(new);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(node: usize, version: i64) -> Report {
        let node = format!("node-{node}");
        Report { node, filter: None, version: Some(version), since: Some(1), error: None }
    }

    #[test]
    fn the_memory_for_proxies_has_an_end() {
        let fleet = Fleet::default();
        for node in 0..MAX_PROXIES + 5 {
            fleet.hear("shop", &report(node, 1));
        }
        // Who is known already can go on telling.
        fleet.hear("shop", &report(7, 2));
        let (known, unrecorded) = fleet.of("shop");
        assert_eq!((known.len(), unrecorded), (MAX_PROXIES, 5));
        let seventh = known.iter().find(|seen| seen.report.node == "node-7").unwrap();
        assert_eq!(seventh.report.version, Some(2));
        let behind = i64::try_from(MAX_PROXIES).unwrap() - 1;
        assert_eq!(fleet.counts(|_| Some(2)), [("shop".into(), behind + 1, behind)]);
    }

    #[test]
    fn what_is_written_down_once_is_not_written_again() {
        let fleet = Fleet::default();
        fleet.hear("shop", &report(1, 1));
        let new = fleet.take_new();
        assert_eq!(new.len(), 1);
        assert_eq!(fleet.take_new(), []);
        fleet.put_back(new.clone());
        assert_eq!(fleet.take_new(), new);
    }
}
