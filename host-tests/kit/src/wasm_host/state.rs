//! What the host knows while the module runs.

use super::{
    abi::{LogLevel, Map, Status},
    calls::{Answer, HttpCall},
    headers::Headers,
    hostcalls::Hostcalls,
    memory::Allocator,
    outcome::Outcome,
    properties::Properties,
    shared::Shared,
};
use std::time::{Duration, SystemTime};

/// The root context's id. In Envoy too it is the same in all VMs of a plugin.
pub(super) const ROOT: u32 = 1;

/// A line that the module logged.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LogLine {
    /// How important it is.
    pub level: LogLevel,
    /// What it says.
    pub message: String,
}

/// What the host knows while the module runs.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Known once the module is instantiated.
    pub memory: Option<Allocator>,
    pub shared: Shared,
    /// The time, where it is not the system's.
    pub now: Option<SystemTime>,
    pub configuration: Vec<u8>,
    /// Those that all contexts have.
    pub properties: Properties,
    /// The context that calls to the host are about.
    pub context: u32,
    pub stream: Option<Stream>,
    pub calls: Vec<HttpCall>,
    pub last_call: u32,
    pub refuse_calls: bool,
    /// The answer in hand.
    pub answer: Option<Answer>,
    pub tick_period: Option<Duration>,
    /// The queues that the module wants to hear of.
    pub queues: Vec<u32>,
    pub log: Vec<LogLine>,
    pub hostcalls: Hostcalls,
}

/// A request on its way through the module.
#[derive(Debug)]
pub(super) struct Stream {
    pub id: u32,
    pub headers: Headers,
    pub properties: Properties,
    /// The module's own answer.
    pub local: Option<Outcome>,
}

// === impl State ===

impl State {
    pub(super) fn nanoseconds(&self) -> u64 {
        let now = self.now.unwrap_or_else(SystemTime::now);
        let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }

    pub(super) fn exists(&self, context: u32) -> bool {
        context == ROOT || self.stream.as_ref().is_some_and(|stream| stream.id == context)
    }

    /// The request that calls to the host are about.
    pub(super) fn stream(&mut self) -> Option<&mut Stream> {
        let context = self.context;
        self.stream.as_mut().filter(|stream| stream.id == context)
    }

    pub(super) fn headers(&mut self, map: Map) -> Result<&mut Headers, Status> {
        let found = match map {
            Map::Request => self.stream().map(|stream| &mut stream.headers),
            Map::CallResponse => self.answer.as_mut().map(|answer| &mut answer.headers),
            Map::Absent => None,
        };
        found.ok_or(Status::BadArgument)
    }

    pub(super) fn property(&mut self, path: &[u8]) -> Option<Vec<u8>> {
        let own = self.stream().and_then(|stream| stream.properties.find(path).map(<[u8]>::to_vec));
        own.or_else(|| self.properties.find(path).map(<[u8]>::to_vec))
    }
}
