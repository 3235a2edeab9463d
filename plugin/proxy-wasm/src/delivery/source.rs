//! Getting bundles from the publisher, where it is this VM's turn.

use super::accept::{Active, LoadError};
use super::backoff::{Backoff, LONGEST, LONGEST_WITHOUT};
use super::exchange::{Damage, Exchange, Polled, polled};
use super::fetch::{Fetch, Fetched, Terms};
use super::lease::Lease;
use super::opening::Bench;
use super::port::{Answer, Port};
use super::report::Report;
use super::shelf::{Label, Shelf};
use super::sweep::Sweep;
use crate::config::{Config, Publisher};
use cedarkey_bundle::Digest;

/// What there is to do with the publisher.
#[derive(Debug)]
pub struct Source {
    publisher: Publisher,
    lease: Lease,
    /// The right to write to shared data.
    pen: Lease,
    backoff: Backoff,
    exchange: Exchange,
    sweep: Sweep,
    /// Whether the publisher has said, to this VM, that there is nothing newer than what is in
    /// force: until then, what lies beside that may be of use.
    settled: bool,
    /// The envelope that the publisher last gave: what it need not give again.
    etag: Option<String>,
    /// When the publisher was last asked.
    asked: i64,
    /// What is to be mended.
    damage: Option<Damage>,
    /// What the proxy calls itself, once it was asked.
    node: Option<Option<String>>,
    /// When the version in force came into force, in milliseconds.
    since: i64,
    /// The cause of the last failure, unless something has worked since.
    error: Option<&'static str>,
}

/// The least time between two polls that bring nothing new, in milliseconds.
const PAUSE: i64 = 1_000;

// === impl Source ===

impl Source {
    /// For a configuration with this publisher; `identity` is random.
    pub fn new(config: &Config, publisher: Publisher, shelf: &Shelf, identity: u64) -> Self {
        Self {
            lease: Lease::new(config, &publisher, identity),
            pen: Lease::named(shelf.pen_key(), identity),
            backoff: Backoff::new(identity),
            exchange: Exchange::Idle,
            sweep: Sweep::default(),
            settled: false,
            etag: None,
            asked: i64::MIN,
            damage: None,
            node: None,
            since: 0,
            error: None,
            publisher,
        }
    }

    /// Whether there is more to do than to wait.
    pub fn is_busy(&self) -> bool {
        matches!(self.exchange, Exchange::Fetch(_)) || self.sweep.is_busy()
    }

    /// How long the answer to a call may be, in bytes.
    pub fn room(&self, call: u32) -> usize {
        self.exchange.room(call)
    }

    /// There is another version in force.
    pub fn switched(&mut self, now: i64) {
        self.since = now;
        self.error = None;
        self.sweep.later(now);
    }

    /// Another VM has got further: what is under way may be of use no more.
    pub fn overtaken(&mut self) {
        if matches!(self.exchange, Exchange::Fetch(_)) {
            self.exchange = Exchange::Idle;
            self.etag = None;
        }
    }

    /// Does what is to be done, as far as the budget goes. Gives a bundle that is to come into
    /// force.
    pub fn tick(
        &mut self,
        bench: &Bench<'_>,
        refused: Option<&Label>,
        serves: bool,
        budget: &mut usize,
        port: &mut impl Port,
    ) -> Result<Option<Active>, LoadError> {
        let now = port.now();
        if !self.lease.hold(now, serves, port) {
            self.settled = false;
            return Ok(None);
        }
        self.hear(bench, port);
        match std::mem::take(&mut self.exchange) {
            Exchange::Fetch(fetch) => return self.fetch(bench, refused, fetch, budget, port),
            other => self.exchange = other,
        }
        if let Some(active) = bench.before.filter(|_| self.settled) {
            self.sweep.advance((bench.shelf, active, &mut self.pen), budget, port);
        }
        if !matches!(self.exchange, Exchange::Idle) || !self.backoff.is_over(now) {
            return Ok(None);
        }
        self.asked = now;
        let node = self.node.get_or_insert_with(|| port.node()).clone();
        let active = bench.before.map(|active| (active.version(), self.since.div_euclid(1000)));
        let report = Report { node: node.as_deref(), active, error: self.error };
        let terms = Terms { bench: *bench, publisher: &self.publisher };
        self.exchange = Exchange::poll(&terms, self.etag.as_deref(), &report, port);
        if matches!(self.exchange, Exchange::Idle) {
            return Err(self.failed(LoadError::Unreachable(None), bench, port));
        }
        Ok(None)
    }

    /// Takes the answer to a call. What follows from it is done on the next tick.
    pub fn answer(
        &mut self,
        bench: &Bench<'_>,
        call: u32,
        answer: Answer,
        port: &mut impl Port,
    ) -> Result<(), LoadError> {
        let terms = Terms { bench: *bench, publisher: &self.publisher };
        match std::mem::take(&mut self.exchange) {
            Exchange::Poll(poll) if poll == call => {
                match polled(&terms, answer, self.damage, port) {
                    Polled::Fail { error, etag } => {
                        // An envelope that was refused is not asked for again.
                        self.etag = etag.or(self.etag.take());
                        return Err(self.failed(error, bench, port));
                    }
                    Polled::Known(etag) => {
                        self.etag = etag;
                        self.rest();
                    }
                    Polled::New(fetch) => self.exchange = Exchange::Fetch(fetch),
                    Polled::Nothing => self.rest(),
                }
                Ok(())
            }
            Exchange::Fetch(mut fetch) => match fetch.answer(&terms, call, answer, port) {
                Ok(()) => {
                    self.exchange = Exchange::Fetch(fetch);
                    Ok(())
                }
                Err(error) => Err(self.failed(error, bench, port)),
            },
            // An answer to a call of an exchange that was given up.
            other => {
                self.exchange = other;
                Ok(())
            }
        }
    }

    fn fetch(
        &mut self,
        bench: &Bench<'_>,
        refused: Option<&Label>,
        fetch: Box<Fetch>,
        budget: &mut usize,
        port: &mut impl Port,
    ) -> Result<Option<Active>, LoadError> {
        let terms = Terms { bench: *bench, publisher: &self.publisher };
        let etag = fetch.etag.clone();
        match fetch.advance(&terms, &mut self.pen, budget, port) {
            Ok(Fetched::More(fetch)) => {
                self.exchange = Exchange::Fetch(fetch);
                Ok(None)
            }
            Ok(Fetched::Whole(fetch, active)) => {
                self.etag = fetch.etag;
                self.damage = None;
                self.settled = true;
                self.backoff.succeeded();
                let label = Label::new(active.version(), &Digest::of(&fetch.envelope.encode()));
                bench.shelf.announce(&label, refused, port);
                self.pen.release(port);
                let is_new = bench.before.is_none_or(|before| before.version() < active.version());
                Ok(is_new.then_some(*active))
            }
            Err(error) => {
                // What its signer has made so is not asked for again; what has become so is.
                if matches!(error, LoadError::Open(_)) {
                    self.etag = etag.or(self.etag.take());
                }
                Err(self.failed(error, bench, port))
            }
        }
    }

    /// Hears what other VMs complain of.
    fn hear(&mut self, bench: &Bench<'_>, port: &mut impl Port) {
        if self.damage.is_some() || matches!(self.exchange, Exchange::Fetch(_)) {
            return;
        }
        let is_shared = bench.before.is_some_and(|before| before.keys.shared().is_some());
        if is_shared && let Some(damage) = bench.shelf.complaint(port) {
            // The envelope is needed again, and at once.
            self.damage = Some(damage);
            self.exchange = Exchange::Idle;
            self.etag = None;
            self.backoff.succeeded();
        }
    }

    fn failed(&mut self, error: LoadError, bench: &Bench<'_>, port: &mut impl Port) -> LoadError {
        self.pen.release(port);
        self.settled = false;
        let longest = if bench.before.is_some() { LONGEST } else { LONGEST_WITHOUT };
        self.backoff.failed(port.now(), longest);
        self.error = Some(error.label());
        error
    }

    /// Nothing is new. A server that does not hold requests is not asked all the time.
    fn rest(&mut self) {
        self.error = None;
        self.settled = true;
        self.backoff.succeeded();
        self.backoff.not_before(self.asked.saturating_add(PAUSE));
    }
}
