//! What the VMs of one proxy process share.

use super::{
    abi::Status,
    metrics::{Metric, Metrics},
};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Data, queues and metrics of one proxy process; VMs that are given clones of one value are its
/// workers.
#[derive(Clone, Debug, Default)]
pub struct Shared(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
pub(super) struct Inner {
    data: BTreeMap<Vec<u8>, Versioned>,
    /// The version that a value got last.
    version: u32,
    /// Queues by name; their index is what a module knows them by.
    queues: Vec<(Vec<u8>, VecDeque<Vec<u8>>)>,
    pub(super) metrics: Metrics,
}

/// A value, and the version that a compare-and-swap compares.
#[derive(Clone, Debug)]
struct Versioned {
    value: Vec<u8>,
    version: u32,
}

// === impl Shared ===

impl Shared {
    /// Those of a process that has just started.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The keys of all shared data.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        let inner = self.inner();
        inner.data.keys().map(|key| String::from_utf8_lossy(key).into_owned()).collect()
    }

    /// A value of the shared data.
    #[must_use]
    pub fn data(&self, key: &str) -> Option<Vec<u8>> {
        self.inner().data.get(key.as_bytes()).map(|versioned| versioned.value.clone())
    }

    /// Sets a value, as another module in the same proxy could.
    pub fn set_data(&self, key: &str, value: impl Into<Vec<u8>>) {
        // Without a version there is nothing that could differ.
        let _ = self.inner().set_data(key.into(), value.into(), 0);
    }

    /// All metrics by name.
    #[must_use]
    pub fn metrics(&self) -> BTreeMap<String, Metric> {
        self.inner().metrics.all()
    }

    /// The value of a counter or a gauge; none if it is not defined, or a histogram.
    #[must_use]
    pub fn metric(&self, name: &str) -> Option<u64> {
        match self.inner().metrics.named(name)? {
            Metric::Counter(value) | Metric::Gauge(value) => Some(*value),
            Metric::Histogram(_) => None,
        }
    }

    pub(super) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Inner ===

impl Inner {
    pub(super) fn data(&self, key: &[u8]) -> Result<(Vec<u8>, u32), Status> {
        let found = self.data.get(key).ok_or(Status::NotFound)?;
        Ok((found.value.clone(), found.version))
    }

    /// Sets a value, if it still has that version; version 0 is any.
    pub(super) fn set_data(
        &mut self,
        key: Vec<u8>,
        value: Vec<u8>,
        version: u32,
    ) -> Result<(), Status> {
        let found = self.data.get(&key);
        if found.is_some_and(|found| version != 0 && found.version != version) {
            return Err(Status::CasMismatch);
        }
        self.version = self.version.wrapping_add(1).max(1);
        self.data.insert(key, Versioned { value, version: self.version });
        Ok(())
    }

    pub(super) fn register_queue(&mut self, name: Vec<u8>) -> u32 {
        let index = self.queues.iter().position(|(other, _)| *other == name);
        let index = index.unwrap_or_else(|| {
            self.queues.push((name, VecDeque::new()));
            self.queues.len().saturating_sub(1)
        });
        u32::try_from(index).unwrap_or(u32::MAX)
    }

    pub(super) fn resolve_queue(&self, name: &[u8]) -> Result<u32, Status> {
        let index = self.queues.iter().position(|(other, _)| other == name);
        index.and_then(|index| u32::try_from(index).ok()).ok_or(Status::NotFound)
    }

    pub(super) fn queue(&mut self, id: u32) -> Result<&mut VecDeque<Vec<u8>>, Status> {
        let index = usize::try_from(id).map_err(|_| Status::NotFound)?;
        self.queues.get_mut(index).map(|(_, queue)| queue).ok_or(Status::NotFound)
    }
}
