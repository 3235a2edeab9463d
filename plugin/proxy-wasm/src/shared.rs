//! What all requests of a VM share.

use crate::alarm::Alarm;
use crate::config::Config;
use crate::decision::DecisionId;
use crate::delivery::{Active, Delivery, Event};
use crate::metrics::Metrics;
use crate::news::News;
use crate::proxy::Proxy;
use crate::secret::{self, Secret};
use crate::usage::Usage;
use cedarkey_engine::gate::Session;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// What all requests of a VM share. Nothing here stays borrowed while the proxy is called, for the
/// proxy may call back.
#[derive(Debug)]
pub struct Shared {
    /// Absent until there is a good one: everything is denied.
    pub config: RefCell<Option<Rc<Config>>>,
    /// What brings bundles into force; absent until there is a good configuration, and taken out
    /// while it works.
    pub delivery: RefCell<Option<Delivery>>,
    /// What was told of that.
    pub news: News,
    /// The bundle in force.
    pub active: RefCell<Option<Rc<Active>>>,
    /// Space to decide in; taken out while a request is decided.
    pub session: RefCell<Option<Box<Session>>>,
    /// Counters and gauges.
    pub metrics: Metrics,
    /// What was told of decoys.
    pub alarm: Alarm,
    /// Which keys are used for what.
    pub usage: Usage,
    /// Whether this VM has ever served a request.
    pub serves: Cell<bool>,
    /// At random: tells this VM from others.
    pub identity: u64,
    /// What decisions are numbered with, so that a number says nothing.
    secret: Secret,
    latest: Cell<i64>,
    decisions: Cell<u64>,
}

// === impl Shared ===

impl Default for Shared {
    fn default() -> Self {
        Self {
            config: RefCell::default(),
            delivery: RefCell::default(),
            news: News::default(),
            active: RefCell::default(),
            session: RefCell::default(),
            metrics: Metrics::default(),
            alarm: Alarm::default(),
            usage: Usage::default(),
            serves: Cell::default(),
            identity: secret::random(),
            secret: Secret::default(),
            latest: Cell::new(i64::MIN),
            decisions: Cell::default(),
        }
    }
}

impl Shared {
    /// Takes what other VMs have already, where a key of the bundle in force cannot be read any
    /// more. Gives the newer bundle.
    pub fn overtake(&self) -> Option<Rc<Active>> {
        let mut delivery = self.delivery.take()?;
        let event = delivery.overtake(&mut Proxy(self));
        self.delivery.replace(Some(delivery));
        let newer = match &event {
            Some(Event::Active(active, _)) => Some(Rc::clone(active)),
            _ => None,
        };
        self.tell(event);
        newer
    }

    /// How long the answer to a call may be, in bytes.
    pub fn room(&self, call: u32) -> usize {
        self.delivery.borrow().as_ref().map_or(0, |delivery| delivery.room(call))
    }

    /// The id of a new decision: 128 bits, which a number and the VM's secret give. It differs from
    /// all others as far as chance goes, costs no call to the proxy, does not tell a caller how many
    /// there were before, and no caller has a say in it, as callers have in `x-request-id`.
    pub fn decision_id(&self) -> DecisionId {
        let number = self.decisions.get().wrapping_add(1);
        self.decisions.set(number);
        DecisionId::new(self.secret.tag(&number.to_le_bytes()).0)
    }

    /// The latest instant that was ever passed to this, the present one among them: a clock that is
    /// set back does not bring back what has expired.
    pub fn latest(&self, now: i64) -> i64 {
        let latest = self.latest.get().max(now);
        self.latest.set(latest);
        latest
    }
}

#[cfg(test)]
mod tests {
    use super::Shared;

    #[test]
    fn a_clock_that_is_set_back_does_not_count() {
        let shared = Shared::default();
        assert_eq!([5, 3, 7].map(|now| shared.latest(now)), [5, 5, 7]);
    }

    #[test]
    fn no_two_decisions_have_the_same_id() {
        let (one, other) = (Shared::default(), Shared::default());
        let ids = [one.decision_id(), one.decision_id(), other.decision_id()];
        let mut ids = ids.each_ref().map(|id| id.as_str());
        ids.sort_unstable();
        assert!(ids.array_windows().all(|[a, b]| a != b), "{ids:?}");
        // Nor do they have anything in common by which one could be told from another.
        let halves = || ids.iter().flat_map(|id| id.as_bytes().chunks(16));
        let different: std::collections::BTreeSet<_> = halves().collect();
        assert_eq!(different.len(), halves().count(), "{ids:?}");
    }
}
