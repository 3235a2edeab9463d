//! Fetching the segments of a bundle whose envelope was accepted.

use super::accept::LoadError;
use super::port::{Answer, Port};
use super::shelf::Shelf;
use crate::config::Publisher;
use cedarkey_bundle::{Envelope, SegmentRef};
use std::time::Duration;

/// How many segments are asked for at a time.
const AT_ONCE: usize = 4;

/// How long a segment may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A fetch under way.
#[derive(Debug)]
pub struct Fetch {
    envelope: Envelope,
    segments: Vec<Option<Vec<u8>>>,
    /// The calls that wait for an answer, and the position of the segment that each is for.
    calls: Vec<(u32, usize)>,
    /// The positions still to be asked for, last first.
    todo: Vec<usize>,
    etag: Option<String>,
}

/// A bundle that has been fetched, but for its opening.
#[derive(Debug)]
pub struct Fetched {
    /// The envelope.
    pub envelope: Envelope,
    /// The segments, in the manifest's order.
    pub segments: Vec<Vec<u8>>,
    /// The `ETag` of the envelope.
    pub etag: Option<String>,
}

// === impl Fetch ===

impl Fetch {
    /// Begins: takes what is on the shelf, and asks for the rest.
    pub fn start(
        shelf: &Shelf,
        publisher: &Publisher,
        envelope: Envelope,
        etag: Option<String>,
        port: &mut impl Port,
    ) -> Result<Box<Self>, LoadError> {
        let named = &envelope.manifest().segments;
        let held = |segment: &SegmentRef| shelf.segment(&segment.digest, port);
        let segments: Vec<_> = named.iter().map(held).collect();
        let missing = segments.iter().enumerate().rev();
        let todo = missing.filter(|(_, held)| held.is_none()).map(|(at, _)| at).collect();
        let calls = Vec::new();
        let mut fetch = Box::new(Self { envelope, segments, calls, todo, etag });
        fetch.ask(publisher, port)?;
        Ok(fetch)
    }

    /// Takes the answer to one of the calls.
    pub fn answer(
        &mut self,
        publisher: &Publisher,
        call: u32,
        answer: Answer,
        port: &mut impl Port,
    ) -> Result<(), LoadError> {
        let Some(known) = self.calls.iter().position(|(other, _)| *other == call) else {
            return Ok(());
        };
        let (_, at) = self.calls.swap_remove(known);
        let body = answer.body()?;
        if let (Some(segment), Some(place)) =
            (self.envelope.manifest().segments.get(at), self.segments.get_mut(at))
        {
            segment.check(&body)?;
            *place = Some(body);
        }
        self.ask(publisher, port)
    }

    /// The bundle, once all of it is there; else the fetch as it is.
    pub fn finish(self: Box<Self>) -> Result<Fetched, Box<Self>> {
        if self.segments.iter().any(Option::is_none) {
            return Err(self);
        }
        let segments = self.segments.into_iter().flatten().collect();
        Ok(Fetched { envelope: self.envelope, segments, etag: self.etag })
    }

    /// Asks for as much as may be under way.
    fn ask(&mut self, publisher: &Publisher, port: &mut impl Port) -> Result<(), LoadError> {
        while self.calls.len() < AT_ONCE {
            let Some(at) = self.todo.pop() else { break };
            let Some(segment) = self.envelope.manifest().segments.get(at) else { continue };
            let path = format!("/v1/segments/{}", segment.digest);
            let headers =
                [(":method", "GET"), (":path", &path), (":authority", &publisher.authority)];
            let call = port.call(&publisher.cluster, &headers, TIMEOUT);
            self.calls.push((call.ok_or(LoadError::Unreachable(None))?, at));
        }
        Ok(())
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
