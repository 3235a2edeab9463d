//! One exchange with the publisher: a long poll, and the fetch that it may lead to.

use super::accept::{LoadError, accept};
use super::fetch::{Fetch, Fetched};
use super::port::{Answer, Port};
use super::shelf::Shelf;
use crate::config::{Config, Publisher};
use cedarkey_bundle::{Envelope, Refusal};
use std::time::Duration;

/// How much longer than its wait a poll may take.
const SLACK: Duration = Duration::from_secs(10);

/// What is under way.
#[derive(Debug, Default)]
pub enum Exchange {
    /// Nothing.
    #[default]
    Idle,
    /// A poll, with the call that it is.
    Poll(u32),
    /// A fetch.
    Fetch(Box<Fetch>),
}

/// What an answer has led to.
#[derive(Debug)]
pub enum Step {
    /// A whole bundle.
    Done(Fetched),
    /// It went wrong.
    Fail {
        /// Why.
        error: LoadError,
        /// The `ETag` of the envelope that was refused, if that is what went wrong.
        etag: Option<String>,
    },
    /// The publisher has what is in force already, under this `ETag`.
    Known(Option<String>),
    /// The publisher has nothing new.
    Nothing,
    /// There is more to come.
    Wait,
}

/// What an exchange is about.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The publisher in it.
    pub publisher: &'a Publisher,
    /// The version in force.
    pub version: Option<u64>,
    /// Where segments may be already.
    pub shelf: &'a Shelf,
}

// === impl Exchange ===

impl Exchange {
    /// Asks for what is new. [`Exchange::Idle`] where that cannot even be asked.
    pub fn poll(terms: &Terms<'_>, etag: Option<&str>, port: &mut impl Port) -> Self {
        let Publisher { cluster, authority, wait_seconds } = terms.publisher;
        let path = format!("/v1/bundles/{}/manifest", terms.config.bundle);
        let prefer = format!("wait={wait_seconds}");
        let mut headers = vec![
            (":method", "GET"),
            (":path", path.as_str()),
            (":authority", authority.as_str()),
            ("prefer", prefer.as_str()),
        ];
        headers.extend(etag.map(|etag| ("if-none-match", etag)));
        let wait = Duration::from_secs(u64::from(*wait_seconds));
        let call = port.call(cluster, &headers, wait.saturating_add(SLACK));
        call.map_or(Self::Idle, Self::Poll)
    }

    /// Takes an answer; gives what is under way afterwards.
    pub fn answer(
        self,
        terms: &Terms<'_>,
        call: u32,
        answer: Answer,
        port: &mut impl Port,
    ) -> (Self, Step) {
        match self {
            Self::Poll(poll) if poll == call => polled(terms, answer, port),
            Self::Fetch(mut fetch) => match fetch.answer(terms.publisher, call, answer, port) {
                Ok(()) => finish(fetch),
                Err(error) => (Self::Idle, Step::Fail { error, etag: None }),
            },
            // An answer to a call of an exchange that was given up.
            other => (other, Step::Wait),
        }
    }
}

fn polled(terms: &Terms<'_>, mut answer: Answer, port: &mut impl Port) -> (Exchange, Step) {
    if answer.status == Some(304) {
        return (Exchange::Idle, Step::Nothing);
    }
    let etag = answer.etag.take();
    let fail = |error, etag| (Exchange::Idle, Step::Fail { error, etag });
    let envelope = match answer.body().and_then(|body| whole_envelope(&body)) {
        Ok(envelope) => envelope,
        Err(error) => return fail(error, None),
    };
    match accept(terms.config, &envelope, terms.version, port.latest()) {
        Ok(_) => {}
        Err(Refusal::OldVersion { version, current }) if version == current => {
            return (Exchange::Idle, Step::Known(etag));
        }
        Err(refusal) => return fail(refusal.into(), etag),
    }
    match Fetch::start(terms.shelf, terms.publisher, envelope, etag, port) {
        Ok(fetch) => finish(fetch),
        Err(error) => fail(error, None),
    }
}

fn whole_envelope(bytes: &[u8]) -> Result<Envelope, LoadError> {
    let (envelope, length) = Envelope::decode(bytes)?;
    if length != bytes.len() {
        return Err(LoadError::Trailing);
    }
    Ok(envelope)
}

fn finish(fetch: Box<Fetch>) -> (Exchange, Step) {
    match fetch.finish() {
        Ok(fetched) => (Exchange::Idle, Step::Done(fetched)),
        Err(fetch) => (Exchange::Fetch(fetch), Step::Wait),
    }
}
