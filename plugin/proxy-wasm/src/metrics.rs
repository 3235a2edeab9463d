//! Counters and gauges.

use crate::host;
use cedarkey_engine::gate::Cause;
use proxy_wasm::types::MetricType;
use std::cell::{Cell, RefCell};

/// The metrics of a VM. The proxy adds up the counters of all its VMs.
#[derive(Debug, Default)]
pub struct Metrics {
    /// What the proxy knows each by.
    ids: RefCell<Vec<(Name, Option<u32>)>>,
    /// The requests that passed since the proxy was last told.
    allowed: Cell<i64>,
    /// The same of those that were denied, by cause.
    denied: [Cell<i64>; Cause::ALL.len()],
}

/// A metric's name: that of a group, and what tells it from the others in the group.
type Name = (Group, &'static str);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Group {
    Bundle,
    Decisions,
    Load,
    Usage,
}

// === impl Metrics ===

impl Metrics {
    /// Defines all metrics of decisions, so that each can be seen while it is still zero.
    pub fn define(&self) {
        self.id((Group::Decisions, "allow"));
        for cause in Cause::ALL {
            self.id((Group::Decisions, cause.label()));
        }
    }

    /// Counts a request that passed.
    pub fn allow(&self) {
        add(&self.allowed);
    }

    /// Counts a request that was denied.
    pub fn deny(&self, cause: Cause) {
        self.denied.get(cause as usize).into_iter().for_each(add);
    }

    /// Tells the proxy of the requests that were counted since it was last told: a call for each
    /// request would cost more than the count.
    pub fn tell_decisions(&self) {
        self.count((Group::Decisions, "allow"), self.allowed.take());
        for (cause, count) in Cause::ALL.iter().zip(&self.denied) {
            self.count((Group::Decisions, cause.label()), count.take());
        }
    }

    /// Counts an attempt to load a bundle, by `ok` or the cause of its failure.
    pub fn load(&self, cause: &'static str) {
        self.count((Group::Load, cause), 1);
    }

    /// Counts a report of usage, by what became of it.
    pub fn usage(&self, outcome: &'static str) {
        self.count((Group::Usage, outcome), 1);
    }

    /// Says which bundle is in force: its version, keys, and when it expires in seconds.
    pub fn bundle(&self, version: u64, keys: u64, expires: u64) {
        self.gauge("version", version);
        self.gauge("keys", keys);
        self.gauge("expires_seconds", expires);
    }

    /// Says whether the bundle in force has expired.
    pub fn stale(&self, stale: bool) {
        self.gauge("stale", u64::from(stale));
    }

    fn count(&self, name: Name, more: i64) {
        if more > 0
            && let Some(id) = self.id(name)
        {
            host::count(id, more);
        }
    }

    fn gauge(&self, name: &'static str, value: u64) {
        if let Some(id) = self.id((Group::Bundle, name)) {
            host::gauge(id, value);
        }
    }

    /// What the proxy knows a metric by; it is defined when it is first used.
    fn id(&self, name: Name) -> Option<u32> {
        let mut ids = self.ids.borrow_mut();
        if let Some((_, id)) = ids.iter().find(|(other, _)| *other == name) {
            return *id;
        }
        let (kind, group) = match name.0 {
            Group::Bundle => (MetricType::Gauge, "bundle"),
            Group::Decisions => (MetricType::Counter, "decisions"),
            Group::Load => (MetricType::Counter, "load"),
            Group::Usage => (MetricType::Counter, "usage_reports"),
        };
        let id = host::define_metric(kind, &format!("cedarkey_{group}_{}", name.1));
        ids.push((name, id));
        id
    }
}

fn add(count: &Cell<i64>) {
    count.set(count.get().saturating_add(1));
}
