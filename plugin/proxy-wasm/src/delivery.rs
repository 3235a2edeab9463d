//! How a bundle gets into force.
//!
//! One VM of the process at a time, the holder of a lease, asks the publisher for what is new,
//! verifies it, takes it into force and puts it where the other VMs find it: in the proxy's shared
//! data. They verify it again. Whatever goes wrong, the bundle that was good stays.

mod accept;
mod backoff;
mod exchange;
mod fetch;
mod lease;
mod port;
mod shelf;

pub use accept::{Active, LoadError};
pub use port::{Answer, Port};

use crate::config::{Config, Publisher};
use backoff::Backoff;
use exchange::{Exchange, Step, Terms};
use fetch::Fetched;
use lease::Lease;
use shelf::{Label, Shelf};
use std::rc::Rc;

/// What brings bundles into force in one VM.
#[derive(Debug)]
pub struct Delivery {
    config: Rc<Config>,
    shelf: Shelf,
    active: Option<Rc<Active>>,
    /// What was last found unusable on the shelf, not to be tried again.
    refused: Option<Label>,
    /// Absent where the configuration has no publisher.
    source: Option<Source>,
}

/// What there is to do with the publisher.
#[derive(Debug)]
struct Source {
    publisher: Publisher,
    lease: Lease,
    backoff: Backoff,
    exchange: Exchange,
    /// The envelope that the publisher last gave: what it need not give again.
    etag: Option<String>,
    /// When the publisher was last asked.
    asked: i64,
}

/// What a step of the delivery has led to.
#[derive(Debug)]
pub enum Event {
    /// A bundle has come into force.
    Active(Rc<Active>, Origin),
    /// A bundle was not taken.
    Failed(LoadError),
}

/// Where a bundle came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The publisher.
    Publisher,
    /// The configuration.
    Seed,
    /// Another VM.
    Shelf,
}

/// The least time between two polls that bring nothing new, in milliseconds.
const PAUSE: i64 = 1_000;

// === impl Delivery ===

impl Delivery {
    /// For a configuration; `identity` is random.
    pub fn new(config: Rc<Config>, identity: u64) -> Self {
        let source = config.publisher.clone().map(|publisher| Source {
            lease: Lease::new(&config, &publisher, identity),
            backoff: Backoff::new(identity),
            exchange: Exchange::Idle,
            etag: None,
            asked: i64::MIN,
            publisher,
        });
        Self { shelf: Shelf::new(&config), active: None, refused: None, source, config }
    }

    /// Takes the configuration's own bundle into force.
    ///
    /// # Errors
    ///
    /// Where it cannot be taken.
    pub fn seed(&mut self, port: &mut impl Port) -> Result<Option<Event>, LoadError> {
        let Some(seed) = &self.config.seed else { return Ok(None) };
        let active = Active::from_archive(&self.config, seed, port.latest())?;
        Ok(Some(self.switch(active, Origin::Seed)))
    }

    /// Takes what another VM has put onto the shelf, if it is newer.
    pub fn catch_up(&mut self, port: &mut impl Port) -> Option<Event> {
        let label = self.shelf.label(port)?;
        if label.version() <= self.version() || self.refused.as_ref() == Some(&label) {
            return None;
        }
        let taken = self.shelf.take(&label, port);
        match taken.and_then(|(envelope, segments)| {
            Active::open(&self.config, &envelope, segments, port.latest())
        }) {
            Ok(active) => Some(self.switch(active, Origin::Shelf)),
            Err(error) => {
                self.refused = Some(label);
                Some(Event::Failed(error))
            }
        }
    }

    /// Looks at the shelf, keeps the lease, and asks the publisher if it is this VM's turn.
    ///
    /// `serves` tells whether this VM has ever served a request: such a VM leaves the lease to
    /// others.
    pub fn tick(&mut self, serves: bool, port: &mut impl Port) -> Option<Event> {
        if let Some(event) = self.catch_up(port) {
            return Some(event);
        }
        let version = self.version();
        let source = self.source.as_mut()?;
        let now = port.now();
        if !source.lease.hold(now, serves, port)
            || !matches!(source.exchange, Exchange::Idle)
            || !source.backoff.is_over(now)
        {
            return None;
        }
        let (config, shelf) = (&self.config, &self.shelf);
        let terms = Terms { config, publisher: &source.publisher, version, shelf };
        source.asked = now;
        source.exchange = Exchange::poll(&terms, source.etag.as_deref(), port);
        if matches!(source.exchange, Exchange::Idle) {
            source.backoff.failed(now);
            return Some(Event::Failed(LoadError::Unreachable(None)));
        }
        None
    }

    /// Takes the answer to a call that this delivery has made.
    pub fn answer(&mut self, call: u32, answer: Answer, port: &mut impl Port) -> Option<Event> {
        let version = self.version();
        let (config, shelf) = (&self.config, &self.shelf);
        let source = self.source.as_mut()?;
        let terms = Terms { config, publisher: &source.publisher, version, shelf };
        let exchange = std::mem::take(&mut source.exchange);
        let (exchange, step) = exchange.answer(&terms, call, answer, port);
        source.exchange = exchange;
        match step {
            Step::Wait => None,
            Step::Nothing => {
                source.rest();
                None
            }
            Step::Known(etag) => {
                source.etag = etag;
                source.rest();
                None
            }
            Step::Fail { error, etag } => {
                // An envelope that was refused is not asked for again.
                source.etag = etag.or(source.etag.take());
                source.backoff.failed(port.now());
                Some(Event::Failed(error))
            }
            Step::Done(fetched) => Some(self.take(fetched, port)),
        }
    }

    /// Takes what was fetched into force, and puts it onto the shelf.
    fn take(&mut self, fetched: Fetched, port: &mut impl Port) -> Event {
        let before: Vec<_> = self.active.iter().flat_map(|active| active.segments()).collect();
        let stored = self.shelf.store(&fetched, port);
        let Fetched { envelope, segments, etag } = fetched;
        let opened = Active::open(&self.config, &envelope, segments, port.latest());
        if let Some(source) = &mut self.source {
            source.etag = etag;
            match opened {
                Ok(_) => source.backoff.succeeded(),
                Err(_) => source.backoff.failed(port.now()),
            }
        }
        match opened {
            Ok(active) => {
                // Only what could be opened is shown to the others.
                let refused = self.refused.as_ref();
                self.shelf.announce(&active, &envelope, &before, refused, port);
                self.switch(active, Origin::Publisher)
            }
            Err(error) => {
                self.shelf.clear(stored, port);
                Event::Failed(error)
            }
        }
    }

    fn switch(&mut self, active: Active, origin: Origin) -> Event {
        let active = Rc::new(active);
        self.active = Some(Rc::clone(&active));
        Event::Active(active, origin)
    }

    fn version(&self) -> Option<u64> {
        self.active.as_ref().map(|active| active.version())
    }
}

// === impl Source ===

impl Source {
    /// Nothing is new. A server that does not hold requests is not asked all the time.
    fn rest(&mut self) {
        self.backoff.succeeded();
        self.backoff.not_before(self.asked.saturating_add(PAUSE));
    }
}

#[cfg(test)]
mod tests;
