//! Fetching the segments of a bundle whose envelope was accepted.

use super::accept::{Active, LoadError, digest, segment};
use super::intake::Intake;
use super::lease::Lease;
use super::opening::{Bench, Opened, Opening, shards};
use super::port::{Answer, Port};
use super::shelf::{Part, SINGLE};
use super::stock;
use crate::config::Publisher;
use cedarkey_bundle::{Digest, Envelope, SegmentKind};
use std::collections::VecDeque;
use std::time::Duration;

/// How many segments are asked for, or wait to be put into shared data, at a time.
const AT_ONCE: usize = 4;

/// How long a segment may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// What looking for a shard costs, in bytes of work.
const LOOK: usize = 4_096;

/// A fetch under way.
///
/// The segments of which there is one each are put onto the shelf and opened first. Then each key
/// shard that is missing is fetched and put into shared data, beside the one in force. Nobody sees
/// any of it until all of it is there.
#[derive(Debug)]
pub struct Fetch {
    /// What is fetched.
    pub envelope: Envelope,
    /// The `ETag` of the envelope.
    pub etag: Option<String>,
    /// A shard to be fetched although it seems to be there.
    mend: Option<usize>,
    stage: Stage,
    /// The calls that wait for an answer.
    calls: Vec<Call>,
}

#[derive(Debug)]
enum Stage {
    /// Another VM writes.
    Waiting,
    /// The segments of which there is one each.
    Single(Vec<SegmentKind>),
    /// All of those are there.
    Opening(Box<Opening>),
    /// The key shards.
    Shards(Box<Shards>),
}

#[derive(Debug)]
struct Shards {
    active: Active,
    /// The next to be looked for, and its position in the manifest.
    next: VecDeque<(usize, usize)>,
    arrived: VecDeque<(usize, Vec<u8>)>,
    intake: Option<Intake>,
}

#[derive(Clone, Copy, Debug)]
struct Call {
    id: u32,
    /// The position of the segment in the manifest.
    at: usize,
    wanted: Wanted,
}

#[derive(Clone, Copy, Debug)]
enum Wanted {
    Single(SegmentKind),
    Shard(usize),
}

/// What a fetch has led to.
#[derive(Debug)]
pub enum Fetched {
    /// There is more to do.
    More(Box<Fetch>),
    /// All of the bundle is in shared data.
    Whole(Box<Fetch>, Box<Active>),
}

/// What a fetch works with.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// What bundles are opened with.
    pub bench: Bench<'a>,
    /// Where segments come from.
    pub publisher: &'a Publisher,
}

// === impl Fetch ===

impl Fetch {
    /// Of an envelope that was accepted. A shard to be mended is fetched in any case.
    pub fn new(envelope: Envelope, etag: Option<String>, mend: Option<usize>) -> Box<Self> {
        Box::new(Self { envelope, etag, mend, stage: Stage::Waiting, calls: Vec::new() })
    }

    /// How long an answer may be, if it is to a call of this fetch.
    pub fn room(&self, call: u32) -> Option<usize> {
        let at = self.calls.iter().find(|own| own.id == call)?.at;
        let segment = self.envelope.manifest().segments.get(at)?;
        usize::try_from(segment.length).ok()
    }

    /// Takes the answer to one of the calls.
    pub fn answer(
        &mut self,
        terms: &Terms<'_>,
        call: u32,
        answer: Answer,
        port: &mut impl Port,
    ) -> Result<(), LoadError> {
        let Some(known) = self.calls.iter().position(|own| own.id == call) else {
            return Ok(());
        };
        let Call { at, wanted, .. } = self.calls.swap_remove(known);
        let body = answer.body()?;
        let Some(named) = self.envelope.manifest().segments.get(at) else { return Ok(()) };
        match (wanted, &mut self.stage) {
            (Wanted::Single(kind), Stage::Single(_)) => {
                named.check(&body)?;
                let keep = terms.bench.before.and_then(|before| digest(&before.manifest, kind));
                terms.bench.shelf.put(Part::Segment(kind), &body, keep, port);
            }
            // What is in it is checked bucket by bucket.
            (Wanted::Shard(shard), Stage::Shards(shards)) => {
                shards.arrived.push_back((shard, body));
            }
            _ => {}
        }
        Ok(())
    }

    /// Goes as far as it can until so many bytes of work are used up.
    pub fn advance(
        mut self: Box<Self>,
        terms: &Terms<'_>,
        pen: &mut Lease,
        budget: &mut usize,
        port: &mut impl Port,
    ) -> Result<Fetched, LoadError> {
        if !pen.hold(port.now(), false, port) {
            // Whatever was written meanwhile was not by this VM: it begins anew.
            self.stage = Stage::Waiting;
            self.calls.clear();
            return Ok(Fetched::More(self));
        }
        while *budget > 0 {
            match self.stage {
                Stage::Waiting => self.stage = self.begin(terms, port)?,
                Stage::Single(ref mut missing) => {
                    let missing = std::mem::take(missing);
                    for kind in missing {
                        self.ask(terms, Wanted::Single(kind), port)?;
                    }
                    if !self.calls.is_empty() {
                        break;
                    }
                    let opening = Opening::begin(terms.bench.config, &self.envelope, port)?;
                    self.stage = Stage::Opening(Box::new(opening));
                }
                Stage::Opening(opening) => match opening.step(&terms.bench, port)? {
                    Opened::Partly(opening) => {
                        self.stage = Stage::Opening(Box::new(opening));
                        break;
                    }
                    Opened::Wholly(active) => {
                        self.stage = Stage::Shards(Box::new(Shards::new(active, terms, port)));
                    }
                },
                Stage::Shards(mut shards) => {
                    let looked = shards.work(terms, self.mend, self.calls.len(), budget, port)?;
                    let whole = shards.is_whole() && self.calls.is_empty();
                    match (looked, whole) {
                        (None, true) => {
                            let active = Box::new(shards.active);
                            self.stage = Stage::Waiting;
                            return Ok(Fetched::Whole(self, active));
                        }
                        (None, false) => {
                            self.stage = Stage::Shards(shards);
                            break;
                        }
                        (Some((shard, at)), _) => {
                            self.stage = Stage::Shards(shards);
                            self.ask_for(terms, Wanted::Shard(shard), at, port)?;
                        }
                    }
                }
            }
        }
        Ok(Fetched::More(self))
    }

    /// Puts the envelope onto the shelf, and sees what else is missing there.
    fn begin(&mut self, terms: &Terms<'_>, port: &mut impl Port) -> Result<Stage, LoadError> {
        let shelf = terms.bench.shelf;
        let keep = shelf.label(port).and_then(|label| label.digest());
        shelf.put(Part::Envelope, &self.envelope.encode(), keep, port);
        let mut missing = Vec::new();
        for kind in SINGLE {
            let digest = segment(self.envelope.manifest(), kind)?.digest;
            if shelf.find(Part::Segment(kind), &digest, port).is_none() {
                missing.push(kind);
            }
        }
        Ok(Stage::Single(missing))
    }

    fn ask(
        &mut self,
        terms: &Terms<'_>,
        wanted: Wanted,
        port: &mut impl Port,
    ) -> Result<(), LoadError> {
        let Wanted::Single(kind) = wanted else { return Ok(()) };
        let named = &self.envelope.manifest().segments;
        let Some(at) = named.iter().position(|segment| segment.kind == kind) else {
            return Ok(());
        };
        self.ask_for(terms, wanted, at, port)
    }

    /// Asks for a segment by its position in the manifest.
    fn ask_for(
        &mut self,
        terms: &Terms<'_>,
        wanted: Wanted,
        at: usize,
        port: &mut impl Port,
    ) -> Result<(), LoadError> {
        let Some(segment) = self.envelope.manifest().segments.get(at) else { return Ok(()) };
        let path = format!("/v1/segments/{}", segment.digest);
        let Publisher { cluster, authority, .. } = terms.publisher;
        let headers = [(":method", "GET"), (":path", &path), (":authority", authority)];
        let call = port.call(cluster, &headers, None, TIMEOUT);
        let id = call.ok_or(LoadError::Unreachable(None))?;
        self.calls.push(Call { id, at, wanted });
        Ok(())
    }
}

// === impl Shards ===

impl Shards {
    fn new(active: Active, terms: &Terms<'_>, port: &mut impl Port) -> Self {
        let next: VecDeque<_> = shards(&active.manifest).enumerate().collect();
        stock::extend(&terms.bench.shelf.stock, next.len(), port);
        Self { active, next, arrived: VecDeque::new(), intake: None }
    }

    fn is_whole(&self) -> bool {
        self.next.is_empty() && self.arrived.is_empty() && self.intake.is_none()
    }

    /// Puts what has arrived into shared data. Gives a shard to be asked for, with its position in
    /// the manifest, if so many `calls` leave room for another.
    fn work(
        &mut self,
        terms: &Terms<'_>,
        mend: Option<usize>,
        calls: usize,
        budget: &mut usize,
        port: &mut impl Port,
    ) -> Result<Option<(usize, usize)>, LoadError> {
        let stock = &terms.bench.shelf.stock;
        let Some(keys) = self.active.keys.shared() else { return Ok(None) };
        let before = terms.bench.before.and_then(|before| before.keys.shared());
        let kept = |shard| -> Option<Digest> { before.and_then(|before| before.root(shard)) };
        while *budget > 0 {
            // Asked for first, so that the publisher has something to do meanwhile.
            if calls.saturating_add(self.arrived.len()) < AT_ONCE
                && let Some((shard, at)) = self.next.pop_front()
            {
                let root = keys.root(shard);
                if mend == Some(shard) {
                    return Ok(Some((shard, at)));
                }
                if kept(shard) == root {
                    continue;
                }
                *budget = budget.saturating_sub(LOOK);
                if stock::has(stock, shard, root, port) {
                    continue;
                }
                return Ok(Some((shard, at)));
            }
            if let Some(mut intake) = self.intake.take() {
                if !intake.advance(stock, keys.directory(), budget, port)? {
                    self.intake = Some(intake);
                }
            } else if let Some((shard, bytes)) = self.arrived.pop_front() {
                let (root, keep) = (keys.root(shard), kept(shard));
                let begun = Intake::begin(stock, (shard, bytes), root, keep, port)?;
                self.intake = Some(begun);
            } else {
                break;
            }
        }
        Ok(None)
    }
}

// === impl Answer ===

impl Answer {
    /// The body of an answer that is one.
    pub(super) fn body(self) -> Result<Vec<u8>, LoadError> {
        match self.status {
            Some(200) => Ok(self.body),
            // The statuses with which a proxy answers for a server that does not.
            Some(status @ (502..=504)) => Err(LoadError::Unreachable(Some(status))),
            Some(status) => Err(LoadError::Status(status)),
            None => Err(LoadError::Unreachable(None)),
        }
    }
}
