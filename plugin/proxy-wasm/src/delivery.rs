//! How a bundle gets into force.
//!
//! One VM of the process at a time, the holder of a lease, asks the publisher for what is new,
//! verifies it, and puts it where the other VMs find it: in the proxy's shared data. Every VM opens
//! it from there, and verifies what it takes. Whatever goes wrong, the bundle that was good stays.
//!
//! All of it happens in slices, a bounded amount of work on each tick, so that requests which the
//! same thread serves do not wait. The switch is one pointer.

mod accept;
mod backoff;
mod exchange;
mod fetch;
mod intake;
mod lease;
mod opening;
mod port;
mod report;
mod shelf;
mod source;
mod stock;
mod sweep;

pub use accept::{Active, LoadError};
pub use backoff::{Backoff, LONGEST};
pub use port::{Answer, Port};
pub use shelf::place;

use crate::config::Config;
use crate::inventory::Hot;
use cedarkey_bundle::Envelope;
use opening::{Bench, Opened, Opening};
use shelf::{Label, Part, Shelf};
use source::Source;
use std::cell::RefCell;
use std::rc::Rc;

/// What brings bundles into force in one VM.
#[derive(Debug)]
pub struct Delivery {
    config: Rc<Config>,
    shelf: Shelf,
    hot: Rc<RefCell<Hot>>,
    active: Option<Rc<Active>>,
    /// What was last found unusable on the shelf.
    refused: Option<Refused>,
    /// What is being opened.
    opening: Option<(Label, Opening)>,
    /// Absent where the configuration has no publisher.
    source: Option<Source>,
}

#[derive(Debug)]
struct Refused {
    label: Label,
    /// Whether it may be mended, so that it is worth another try.
    may_mend: bool,
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

/// How much is done on a tick, in bytes of work. Requests wait for it, on the thread that does it
/// and, where all processors are busy, on others.
const SLICE: usize = 64 * 1024;

/// How much is done where nothing is in force, so that no request can be served yet, by a VM that
/// has none.
const FIRST_SLICE: usize = 256 * 1024;

// === impl Delivery ===

impl Delivery {
    /// For a configuration; `identity` is random.
    pub fn new(config: Rc<Config>, identity: u64) -> Self {
        let shelf = Shelf::new(&config);
        let publisher = config.publisher.clone();
        let source = publisher.map(|publisher| Source::new(&config, publisher, &shelf, identity));
        let (hot, active, refused, opening) = (Rc::default(), None, None, None);
        Self { config, shelf, hot, active, refused, opening, source }
    }

    /// Takes the configuration's own bundle into force.
    ///
    /// # Errors
    ///
    /// Where it cannot be taken.
    pub fn seed(&mut self, port: &mut impl Port) -> Result<Option<Event>, LoadError> {
        let Some(seed) = &self.config.seed else { return Ok(None) };
        let active = Active::from_archive(&self.config, seed, port.latest(), &self.hot)?;
        Ok(Some(self.switch(active, Origin::Seed, port)))
    }

    /// Takes what another VM has put onto the shelf, if it is newer, all in one go.
    pub fn catch_up(&mut self, port: &mut impl Port) -> Option<Event> {
        let label = self.news(port)?;
        let opened = self.begin(&label, port);
        let opened = opened.and_then(|opening| opening.whole(&self.bench(), port));
        self.taken(label, opened, port)
    }

    /// Takes what is newer than the version in force, because of which a key could not be read: a
    /// VM that is late finds that what it decides with has been replaced. Where there is nothing
    /// newer, the key is there to be mended.
    pub fn overtake(&mut self, port: &mut impl Port) -> Option<Event> {
        let lost = self.active.as_ref().and_then(|active| active.keys.shared()?.lost());
        if self.news(port).is_none() {
            self.shelf.complain(lost, port);
            return None;
        }
        self.opening = None;
        self.catch_up(port)
    }

    /// Whether there is more to do than to wait.
    pub fn is_busy(&self) -> bool {
        self.opening.is_some() || self.source.as_ref().is_some_and(Source::is_busy)
    }

    /// Looks at the shelf, keeps the lease, and asks the publisher if it is this VM's turn.
    ///
    /// `serves` tells whether this VM has ever served a request: such a VM leaves the lease to
    /// others.
    pub fn tick(&mut self, serves: bool, port: &mut impl Port) -> Option<Event> {
        let event = self.take_news(port);
        if event.is_some() || self.opening.is_some() {
            return event;
        }
        let is_first = self.active.is_none() && !serves;
        let mut budget = if is_first { FIRST_SLICE } else { SLICE };
        let source = self.source.as_mut()?;
        let bench = Bench {
            config: &self.config,
            shelf: &self.shelf,
            before: self.active.as_ref(),
            hot: &self.hot,
        };
        let refused = self.refused.as_ref().map(|refused| &refused.label);
        match source.tick(&bench, refused, serves, &mut budget, port) {
            Ok(Some(active)) => Some(self.switch(active, Origin::Publisher, port)),
            Ok(None) => None,
            Err(error) => Some(Event::Failed(error)),
        }
    }

    /// How long the answer to a call may be, in bytes.
    pub fn room(&self, call: u32) -> usize {
        self.source.as_ref().map_or(0, |source| source.room(call))
    }

    /// Takes the answer to a call that this delivery has made.
    pub fn answer(&mut self, call: u32, answer: Answer, port: &mut impl Port) -> Option<Event> {
        let source = self.source.as_mut()?;
        let bench = Bench {
            config: &self.config,
            shelf: &self.shelf,
            before: self.active.as_ref(),
            hot: &self.hot,
        };
        source.answer(&bench, call, answer, port).err().map(Event::Failed)
    }

    /// One step towards what is on the shelf.
    fn take_news(&mut self, port: &mut impl Port) -> Option<Event> {
        let Some(label) = self.news(port) else {
            self.opening = None;
            return None;
        };
        let opening = match self.opening.take() {
            Some((other, opening)) if other == label => Ok(opening),
            _ => self.begin(&label, port),
        };
        match opening.and_then(|opening| opening.step(&self.bench(), port)) {
            Ok(Opened::Partly(opening)) => {
                self.opening = Some((label, opening));
                None
            }
            Ok(Opened::Wholly(active)) => self.taken(label, Ok(active), port),
            Err(error) => self.taken(label, Err(error), port),
        }
    }

    /// What is on the shelf, if it is worth a look.
    fn news(&self, port: &mut impl Port) -> Option<Label> {
        let label = self.shelf.label(port)?;
        let known = label.version() <= self.active.as_ref().map(|active| active.version());
        let refused = self.refused.as_ref().filter(|refused| refused.label == label);
        (!known && refused.is_none_or(|refused| refused.may_mend)).then_some(label)
    }

    /// Takes the envelope from the shelf that the label speaks of.
    fn begin(&self, label: &Label, port: &mut impl Port) -> Result<Opening, LoadError> {
        let digest = label.digest().ok_or(LoadError::Incomplete)?;
        let envelope = self.shelf.find(Part::Envelope, &digest, port);
        let (envelope, _) = Envelope::decode(&envelope.ok_or(LoadError::Incomplete)?)?;
        Opening::begin(&self.config, &envelope, port)
    }

    /// Takes what was opened into force.
    fn taken(
        &mut self,
        label: Label,
        opened: Result<Active, LoadError>,
        port: &mut impl Port,
    ) -> Option<Event> {
        match opened {
            Ok(active) => {
                if let Some(source) = &mut self.source {
                    source.overtaken();
                }
                Some(self.switch(active, Origin::Shelf, port))
            }
            // A newer one has come meanwhile, and its parts are where this one's were.
            Err(LoadError::Incomplete) if self.shelf.label(port).as_ref() != Some(&label) => None,
            Err(error) => {
                let may_mend = matches!(error, LoadError::Incomplete);
                if may_mend {
                    self.shelf.complain(None, port);
                }
                let refused = Refused { label, may_mend };
                let before = self.refused.replace(refused);
                let again = before.is_some_and(|before| {
                    self.refused.as_ref().is_some_and(|now| now.label == before.label)
                });
                (!again).then_some(Event::Failed(error))
            }
        }
    }

    fn bench(&self) -> Bench<'_> {
        let before = self.active.as_ref();
        Bench { config: &self.config, shelf: &self.shelf, before, hot: &self.hot }
    }

    fn switch(&mut self, active: Active, origin: Origin, port: &mut impl Port) -> Event {
        let active = Rc::new(active);
        self.active = Some(Rc::clone(&active));
        if let Some(source) = &mut self.source {
            source.switched(port.now());
        }
        Event::Active(active, origin)
    }
}

#[cfg(test)]
pub(crate) mod tests;
