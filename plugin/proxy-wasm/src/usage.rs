//! Usage: which keys are used for what, counted here and told the publisher.
//!
//! ```text
//! request ──> counts ──(every so often)──> mailbox in shared data ──> courier ──> publisher
//!             of a VM                      of the process
//! ```
//!
//! A request adds one to a count in this VM's memory. No VM reads what others have counted: each
//! puts a part into the mailbox, and whichever finds it due takes them all and sends them as one
//! report. Nothing here decides anything, and no failure of it keeps a request from passing.

mod counts;
mod courier;
mod mailbox;
#[cfg(test)]
mod tests;

use crate::config::Config;
use crate::facts::Facts;
use crate::proxy::Proxy;
use crate::shared::Shared;
use cedarkey_engine::gate::{Host, Session, Verdict};
use cedarkey_engine::model::Model;
use counts::{Counts, Met};
use courier::{Courier, Outcome};
use std::cell::RefCell;
use std::rc::Rc;

/// What a VM knows of usage.
#[derive(Debug, Default)]
pub struct Usage {
    counts: RefCell<Counts>,
    /// Absent where nothing is reported.
    courier: RefCell<Option<Courier>>,
}

// === impl Shared ===

impl Shared {
    /// Begins to report, if the configuration says so.
    pub fn begin_usage(&self, config: &Rc<Config>) {
        let usage = config.usage.as_ref();
        let courier = usage.map(|usage| Courier::new(config, usage.every, self.identity));
        self.usage.courier.replace(courier);
    }

    /// Counts a request whose key is known. It makes no call to the proxy, unless the configuration
    /// asks for the network of each.
    pub fn count_use(
        &self,
        config: &Config,
        model: &Rc<Model>,
        verdict: &Verdict,
        session: &Session,
        facts: &mut Facts<'_>,
    ) {
        let Some(usage) = config.usage else { return };
        let (key, met) = match verdict {
            Verdict::Allow(permit) => (permit.key(), Met::Allow(session.action())),
            Verdict::Deny(denial) => match denial.key() {
                Some(key) => (key, Met::Deny(denial.cause())),
                None => return,
            },
        };
        // Where somebody is turned away is no place that a key is used from.
        let is_allowed = matches!(verdict, Verdict::Allow(_));
        if is_allowed && usage.networks && facts.source.is_none() {
            facts.source_ip();
        }
        let mut counts = self.usage.counts.borrow_mut();
        counts.add(model, key, met, facts.now);
        if let Some(source) = facts.source.filter(|_| is_allowed) {
            counts.add_network(key, source, facts.now);
        }
    }

    /// Hands over what was counted, and reports it if it is due.
    pub fn report_usage(&self) {
        self.with_courier(|courier, counts, serves, proxy| courier.tick(serves, counts, proxy));
    }

    /// Hands over what was counted, as nothing more will be.
    pub fn end_usage(&self) {
        self.with_courier(|courier, counts, _, proxy| {
            courier.end(counts, proxy);
            None
        });
    }

    /// Takes the answer to a call, if it is one to a report.
    pub fn usage_answered(&self, call: u32, status: Option<u16>) -> bool {
        let is_ours = self.usage.courier.borrow().as_ref().is_some_and(|it| it.awaits(call));
        if is_ours {
            self.with_courier(|courier, _, _, proxy| courier.answered(status, proxy));
        }
        is_ours
    }

    fn with_courier(
        &self,
        act: impl FnOnce(&mut Courier, &RefCell<Counts>, bool, &mut Proxy<'_>) -> Option<Outcome>,
    ) {
        // Taken out, so that it is not borrowed while the proxy is called.
        let Some(mut courier) = self.usage.courier.take() else { return };
        let outcome = act(&mut courier, &self.usage.counts, self.serves.get(), &mut Proxy(self));
        self.usage.courier.replace(Some(courier));
        if let Some(outcome) = outcome {
            self.metrics.usage(outcome.label());
        }
    }
}
