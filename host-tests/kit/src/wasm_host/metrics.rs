//! Counters, gauges and histograms of a proxy.

use super::abi::Status;
use std::collections::BTreeMap;

/// A metric and its value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Metric {
    /// Only grows.
    Counter(u64),
    /// Goes up and down.
    Gauge(u64),
    /// All values recorded.
    Histogram(Vec<u64>),
}

/// Metrics by name; their index is what a module knows them by.
#[derive(Debug, Default)]
pub(super) struct Metrics(Vec<(String, Metric)>);

// === impl Metrics ===

impl Metrics {
    pub(super) fn all(&self) -> BTreeMap<String, Metric> {
        self.0.iter().cloned().collect()
    }

    pub(super) fn named(&self, name: &str) -> Option<&Metric> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, metric)| metric)
    }

    /// Defines one, or finds the one of that name.
    pub(super) fn define(&mut self, kind: u32, name: String) -> Result<u32, Status> {
        let metric = match kind {
            0 => Metric::Counter(0),
            1 => Metric::Gauge(0),
            2 => Metric::Histogram(Vec::new()),
            _ => return Err(Status::BadArgument),
        };
        let found = self.0.iter().position(|(other, _)| *other == name);
        let index = found.unwrap_or_else(|| {
            self.0.push((name, metric));
            self.0.len().saturating_sub(1)
        });
        u32::try_from(index).map_err(|_| Status::InternalFailure)
    }

    /// Adds to one: a counter takes no less than one, and a histogram nothing.
    pub(super) fn increment(&mut self, id: u32, offset: i64) -> Result<(), Status> {
        match self.get(id)? {
            Metric::Counter(value) if offset > 0 => {
                *value = value.saturating_add_signed(offset);
            }
            Metric::Counter(_) => return Err(Status::NotFound),
            Metric::Gauge(value) => *value = value.saturating_add_signed(offset),
            Metric::Histogram(_) => return Err(Status::BadArgument),
        }
        Ok(())
    }

    /// Adds to a counter, sets a gauge, gives a histogram one more value.
    pub(super) fn record(&mut self, id: u32, new: u64) -> Result<(), Status> {
        match self.get(id)? {
            Metric::Counter(value) => *value = value.saturating_add(new),
            Metric::Gauge(value) => *value = new,
            Metric::Histogram(values) => values.push(new),
        }
        Ok(())
    }

    pub(super) fn value(&mut self, id: u32) -> Result<u64, Status> {
        match self.get(id)? {
            Metric::Counter(value) | Metric::Gauge(value) => Ok(*value),
            Metric::Histogram(_) => Err(Status::BadArgument),
        }
    }

    fn get(&mut self, id: u32) -> Result<&mut Metric, Status> {
        let index = usize::try_from(id).map_err(|_| Status::NotFound)?;
        self.0.get_mut(index).map(|(_, metric)| metric).ok_or(Status::NotFound)
    }
}
