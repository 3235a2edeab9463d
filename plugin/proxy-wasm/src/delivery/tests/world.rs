//! What the tests of delivery play with: a process, its VMs, and bundles.

use super::super::{Answer, Delivery, Event, Port};
use crate::config::Config;
use cedarkey_bundle::keys::{Directory, KeyShards};
use cedarkey_bundle::{Archive, Digest, Draft, SegmentKind, SigningKey, revocations};
use cedarkey_engine::key::{KeyId, KeyRecord, Unreadable};
use cedarkey_engine::model::ModelImage;
use cedarkey_engine::model::image::ProfileImage;
use cedarkey_engine::route::RoutesImage;
use cedarkey_engine::token::KeyHash;
use cedarkey_engine::value::{Span, Text};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

/// When the tests begin, in seconds.
pub const START: i64 = 1_800_000_000;

/// When bundles expire, in seconds.
pub const EXPIRES: i64 = START + 86_400;

/// What the VMs of a process share: data, a clock, and the calls they make.
#[derive(Default)]
pub struct World {
    pub now: i64,
    latest: i64,
    pub data: HashMap<String, (Vec<u8>, u32)>,
    pub calls: VecDeque<Call>,
    next_call: u32,
    /// Whether calls cannot even begin.
    pub no_cluster: bool,
}

/// A call that waits for its answer.
#[derive(Debug)]
pub struct Call {
    pub id: u32,
    pub cluster: String,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
    pub timeout: Duration,
}

/// One VM.
pub struct Vm {
    pub delivery: Delivery,
    pub serves: bool,
}

// === impl World ===

impl World {
    pub fn new() -> Self {
        Self { now: START * 1000, ..Self::default() }
    }

    /// Lets time pass, in milliseconds.
    pub fn pass(&mut self, time: i64) {
        self.now = self.now.saturating_add(time);
    }

    /// The call that was made first.
    #[track_caller]
    pub fn call(&mut self) -> Call {
        self.calls.pop_front().expect("a call is made")
    }
}

impl Port for World {
    fn now(&mut self) -> i64 {
        self.now
    }

    fn latest(&mut self) -> i64 {
        self.latest = self.latest.max(self.now);
        self.latest
    }

    fn node(&mut self) -> Option<String> {
        Some("edge/1".into())
    }

    fn call(
        &mut self,
        cluster: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
        timeout: Duration,
    ) -> Option<u32> {
        if self.no_cluster {
            return None;
        }
        self.next_call = self.next_call.saturating_add(1);
        let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let body = body.map(<[u8]>::to_vec).unwrap_or_default();
        let call = Call { id: self.next_call, cluster: cluster.into(), headers, body, timeout };
        self.calls.push_back(call);
        Some(self.next_call)
    }

    fn shared(&mut self, key: &str) -> (Option<Vec<u8>>, Option<u32>) {
        match self.data.get(key) {
            // The SDK gives nothing for an empty value.
            Some((value, version)) => {
                (Some(value.clone()).filter(|value| !value.is_empty()), Some(*version))
            }
            None => (None, None),
        }
    }

    fn set_shared(&mut self, key: &str, value: Option<&[u8]>, version: Option<u32>) -> bool {
        let (place, current) = self.data.entry(key.into()).or_default();
        if version.is_some_and(|version| version != *current) {
            return false;
        }
        *place = value.unwrap_or_default().to_vec();
        *current = current.saturating_add(1);
        true
    }
}

// === impl Call ===

impl Call {
    pub fn path(&self) -> &str {
        &self.headers[":path"]
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

// === impl Vm ===

impl Vm {
    pub fn new(config: &Rc<Config>, identity: u64) -> Self {
        Self { delivery: Delivery::new(Rc::clone(config), identity), serves: false }
    }

    /// A VM that has made its first poll, with that poll.
    #[track_caller]
    pub fn polling(world: &mut World) -> (Self, Call) {
        let mut vm = Self::new(&config(|_| ()), 1);
        assert_eq!(vm.tick(world), "nothing");
        assert_eq!(vm.tick(world), "nothing");
        let poll = world.call();
        (vm, poll)
    }

    pub fn tick(&mut self, world: &mut World) -> String {
        tell(self.delivery.tick(self.serves, world))
    }

    pub fn answer(&mut self, world: &mut World, call: &Call, answer: Answer) -> String {
        tell(self.delivery.answer(call.id, answer, world))
    }

    /// Ticks until something has happened, or there is nothing more to do.
    pub fn settle(&mut self, world: &mut World) -> String {
        let mut outcome = self.tick(world);
        for _ in 0..1_000 {
            if outcome != "nothing" || !self.delivery.is_busy() {
                break;
            }
            world.pass(10);
            outcome = self.tick(world);
        }
        outcome
    }

    /// Ticks until calls are made.
    pub fn ask(&mut self, world: &mut World) {
        for _ in 0..100 {
            if !world.calls.is_empty() {
                break;
            }
            assert_eq!(self.tick(world), "nothing");
        }
    }

    /// Waits until the next poll, and gives it.
    #[track_caller]
    pub fn next_poll(&mut self, world: &mut World) -> Call {
        for _ in 0..2_000 {
            world.pass(if self.delivery.is_busy() { 10 } else { 100 });
            assert_eq!(self.tick(world), "nothing");
            if !world.calls.is_empty() {
                return world.call();
            }
        }
        panic!("it polls within 20 seconds");
    }

    /// Answers a poll with a bundle, and all calls that it leads to; tells what that led to.
    pub fn receive(&mut self, world: &mut World, poll: &Call, bundle: &Archive) -> String {
        let mut outcome = self.answer(world, poll, envelope(bundle));
        while outcome == "nothing" && self.delivery.is_busy() {
            outcome = self.tick(world);
            if outcome == "nothing"
                && let Some(call) = world.calls.pop_front()
            {
                outcome = self.answer(world, &call, segment(bundle, &call));
            }
        }
        outcome
    }
}

impl Vm {
    /// The version that the record of a key tells, which is 0 where there is no such key: as the
    /// bundle in force has it, and how often shared data was read for it.
    pub fn find(&self, world: &mut World, number: u64) -> (Result<u64, Unreadable>, usize) {
        let mut reads = Vec::new();
        let active = self.delivery.active.as_ref().expect("a bundle is in force");
        let token = number.to_string();
        let found = match active.keys.recall(&token) {
            Some(found) => Ok(found),
            None => active.keys.find(&token, &hash(number), &mut |key| {
                reads.push(key.to_owned());
                world.shared(key).0
            }),
        };
        let told = |key: KeyRecord| u64::try_from(key.expires).unwrap();
        (found.map(|key| key.map_or(0, told)), reads.len())
    }

    /// As a request finds it: a VM that is late takes the newer version.
    pub fn request(&mut self, world: &mut World, number: u64) -> Result<u64, Unreadable> {
        let (found, _) = self.find(world, number);
        if found.is_ok() {
            return found;
        }
        self.delivery.overtake(world);
        self.find(world, number).0
    }

    /// The version in force.
    pub fn version(&self) -> u64 {
        self.delivery.active.as_ref().map_or(0, |active| active.version())
    }
}

/// What has happened, in a few words.
pub fn tell(event: Option<Event>) -> String {
    match event {
        None => "nothing".into(),
        Some(Event::Active(active, origin)) => {
            format!("{} from {origin:?}", active.version()).to_lowercase()
        }
        Some(Event::Failed(error)) => error.label().into(),
    }
}

/// The answer to a poll.
pub fn envelope(bundle: &Archive) -> Answer {
    let etag = format!("\"{}\"", bundle.envelope.manifest().version);
    Answer { status: Some(200), etag: Some(etag), body: bundle.envelope.encode() }
}

/// The answer to a call for a segment.
#[track_caller]
pub fn segment(bundle: &Archive, call: &Call) -> Answer {
    let digest = call.path().strip_prefix("/v1/segments/").expect("it is for a segment");
    let named = bundle.envelope.manifest().segments.iter();
    let at = named.map(|segment| segment.digest.to_string()).position(|other| other == digest);
    Answer { body: bundle.segments[at.expect("the bundle has it")].clone(), ..status(200) }
}

pub fn status(status: u16) -> Answer {
    Answer { status: Some(status), ..Answer::default() }
}

pub fn signer(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

/// A configuration with a change.
pub fn config(change: impl FnOnce(&mut serde_json::Value)) -> Rc<Config> {
    let mut json = serde_json::json!({
        "bundle": "quickstart",
        "trusted_keys": [signer(1).public().to_string()],
        "publisher": { "cluster": "publisher", "wait_seconds": 30 },
    });
    change(&mut json);
    Rc::new(Config::parse(json.to_string().as_bytes()).unwrap())
}

/// A bundle without policies, that revokes as many keys as its version says.
pub fn draft(version: u64) -> Draft {
    draft_of(version, Vec::new())
}

/// A draft with these keys.
fn draft_of(version: u64, keys: Vec<(KeyHash, KeyRecord)>) -> Draft {
    // One profile, without anything that would need a text.
    let nothing = Span { start: 0, len: 0 };
    let owner = Text { start: 0, len: 0 };
    let profile = ProfileImage { attrs: nothing, parents: nothing, owner, bound_to: nothing };
    let model = ModelImage { profiles: vec![profile], ..ModelImage::default() };
    let routes = RoutesImage { routes: Vec::new() };
    let shards = KeyShards::build(keys).unwrap();
    let directory = Directory::build(&shards).unwrap();
    let revoked = (1..=version).map(|at| KeyId(u128::from(at).to_be_bytes()));
    let mut segments = vec![
        (SegmentKind::Model, postcard::to_allocvec(&model).unwrap()),
        (SegmentKind::Routes, postcard::to_allocvec(&routes).unwrap()),
        (SegmentKind::Revocations, revocations::build(revoked)),
        (SegmentKind::Directory, directory),
    ];
    segments.extend(shards.into_iter().map(|shard| (SegmentKind::Keys, shard)));
    Draft { name: "quickstart".into(), version, created: START, expires: EXPIRES, segments }
}

/// The hash of a key.
pub fn hash(number: u64) -> KeyHash {
    KeyHash(Digest::of(&number.to_le_bytes()).0)
}

/// The record of a key, in which the version is that it is of can be seen.
pub fn record(number: u64, version: u64) -> KeyRecord {
    let id = KeyId(u128::from(number).to_be_bytes());
    let expires = i64::try_from(version).unwrap();
    KeyRecord { id, created: 0, not_before: 0, expires, profile: 0 }
}

/// A bundle with keys that all tell its version.
pub fn bundle_of(version: u64, keys: impl IntoIterator<Item = u64>) -> Archive {
    bundle_with(version, keys.into_iter().map(|number| (number, version)))
}

/// A bundle with keys, each with the version that it tells.
pub fn bundle_with(version: u64, keys: impl IntoIterator<Item = (u64, u64)>) -> Archive {
    let keys = keys.into_iter().map(|(number, told)| (hash(number), record(number, told)));
    draft_of(version, keys.collect()).sign(&[&signer(1)]).unwrap()
}

pub fn bundle(version: u64) -> Archive {
    draft(version).sign(&[&signer(1)]).unwrap()
}
