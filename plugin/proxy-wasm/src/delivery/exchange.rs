//! One exchange with the publisher: a long poll, and the fetch that it may lead to.

use super::accept::{LoadError, accept};
use super::fetch::{Fetch, Terms};
use super::port::{Answer, Port};
use super::report::Report;
use crate::config::Publisher;
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

/// What the answer to a poll has led to.
#[derive(Debug)]
pub enum Polled {
    /// It went wrong.
    Fail {
        /// Why.
        error: LoadError,
        /// The `ETag` of the envelope that was refused, if that is what went wrong.
        etag: Option<String>,
    },
    /// The publisher has what is in force already, under this `ETag`.
    Known(Option<String>),
    /// There is something to fetch.
    New(Box<Fetch>),
    /// The publisher has nothing new.
    Nothing,
}

/// Something of the version in force that cannot be read: a shard, or all else.
pub type Damage = Option<usize>;

// === impl Exchange ===

impl Exchange {
    /// Asks for what is new. [`Exchange::Idle`] where that cannot even be asked.
    pub fn poll(
        terms: &Terms<'_>,
        etag: Option<&str>,
        report: &Report<'_>,
        port: &mut impl Port,
    ) -> Self {
        let Publisher { cluster, authority, wait_seconds } = terms.publisher;
        let path = format!("/v1/bundles/{}/manifest", terms.bench.config.bundle);
        let prefer = format!("wait={wait_seconds}");
        let mut headers = vec![
            (":method", "GET"),
            (":path", path.as_str()),
            (":authority", authority.as_str()),
            ("prefer", prefer.as_str()),
        ];
        headers.extend(etag.map(|etag| ("if-none-match", etag)));
        let report = report.headers();
        headers.extend(report.iter().map(|(name, value)| (*name, value.as_str())));
        let wait = Duration::from_secs(u64::from(*wait_seconds));
        let call = port.call(cluster, &headers, None, wait.saturating_add(SLACK));
        call.map_or(Self::Idle, Self::Poll)
    }

    /// How long an answer may be: none at all to a call of an exchange that was given up.
    pub fn room(&self, call: u32) -> usize {
        match self {
            // One byte more, so that what is too long is not taken for what is not.
            Self::Poll(poll) if *poll == call => Envelope::MAX_BYTES.saturating_add(1),
            Self::Fetch(fetch) => fetch.room(call).map_or(0, |room| room.saturating_add(1)),
            _ => 0,
        }
    }
}

/// Takes the answer to a poll.
pub fn polled(
    terms: &Terms<'_>,
    mut answer: Answer,
    damage: Option<Damage>,
    port: &mut impl Port,
) -> Polled {
    if answer.status == Some(304) {
        return Polled::Nothing;
    }
    let etag = answer.etag.take();
    let envelope = match answer.body().and_then(|body| whole_envelope(&body)) {
        Ok(envelope) => envelope,
        Err(error) => return Polled::Fail { error, etag: None },
    };
    let version = terms.bench.before.map(|before| before.version());
    match accept(terms.bench.config, &envelope, version, port.latest()) {
        Ok(_) => {}
        Err(LoadError::Refused(Refusal::OldVersion { version, current })) if version == current => {
            if damage.is_none() {
                return Polled::Known(etag);
            }
        }
        Err(error) => return Polled::Fail { error, etag },
    }
    Polled::New(Fetch::new(envelope, etag, damage.flatten()))
}

fn whole_envelope(bytes: &[u8]) -> Result<Envelope, LoadError> {
    let (envelope, length) = Envelope::decode(bytes)?;
    if length != bytes.len() {
        return Err(LoadError::Trailing);
    }
    Ok(envelope)
}
