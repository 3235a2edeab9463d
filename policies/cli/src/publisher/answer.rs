//! A publisher's answers, and what is made of those that are not good.

use crate::exit::Exit;
use crate::failure::Failure;
use reqwest::header::HeaderValue;
use reqwest::{Response, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::error::Error;

/// The most of an answer that is read: the longest names the segments of a manifest.
pub const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// A good answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its `ETag`.
    pub etag: Option<HeaderValue>,
    /// All of its body.
    pub body: Vec<u8>,
}

/// Why there is no good answer.
#[derive(Debug)]
pub enum Rejection {
    /// What was announced is not known, or what was uploaded is gone: the publisher has begun
    /// anew, and so must the push.
    Forgotten(Failure),
    /// It has nothing at this path.
    NoSuchPath(Failure),
    /// There is no such thing.
    NotFound(Failure),
    /// Another push was first.
    Overtaken(Failure),
    /// Anything else.
    Failure(Failure),
}

/// A publisher's words for what it refuses (RFC 9457).
#[derive(Debug, Default, Deserialize)]
struct Problem {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    detail: String,
}

// === impl Answer ===

impl Answer {
    /// What it says.
    pub fn parse<T: DeserializeOwned>(&self, base: &Url) -> Result<T, Failure> {
        serde_json::from_slice(&self.body).map_err(|_| not_a_publisher(base, self.status))
    }
}

// === impl Rejection ===

impl From<Failure> for Rejection {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Forgotten(failure)
            | Rejection::NoSuchPath(failure)
            | Rejection::NotFound(failure)
            | Rejection::Overtaken(failure)
            | Rejection::Failure(failure) => failure,
        }
    }
}

/// All of an answer, of at most `limit` bytes.
pub async fn body(base: &Url, mut response: Response, limit: usize) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(base, error))? {
        body.extend_from_slice(&chunk);
        if body.len() > limit {
            return Err(not_a_publisher(base, response.status()));
        }
    }
    Ok(body)
}

/// What to say of an answer that is not a good one.
pub fn rejection(base: &Url, status: StatusCode, body: &[u8]) -> Rejection {
    let problem: Problem = serde_json::from_slice(body).unwrap_or_default();
    if problem.detail.is_empty() {
        return not_a_publisher(base, status).into();
    }
    let failure = refused(base, status, &problem.detail);
    match problem.kind.rsplit(':').next() {
        Some("incomplete" | "not_announced") => Rejection::Forgotten(failure),
        Some("no_such_path") => Rejection::NoSuchPath(failure),
        Some("precondition") => Rejection::Overtaken(failure),
        Some("unknown_bundle" | "unknown_segment" | "unknown_version") => {
            Rejection::NotFound(failure)
        }
        _ => failure.into(),
    }
}

/// There was no answer.
pub fn unreachable(base: &Url, error: reqwest::Error) -> Failure {
    if error.is_timeout() {
        return late(base);
    }
    let mut causes = std::iter::successors(error.source(), |cause| Error::source(*cause));
    if causes.any(|cause| cause.to_string().contains("invalid peer certificate")) {
        let message = format!("the certificate of the publisher at `{base}` is not trusted");
        let help = "if it is by an authority of your own, name its file in `SSL_CERT_FILE`";
        return Failure::because(Exit::Publisher, message, error.without_url()).help(help);
    }
    let message = if error.is_connect() {
        format!("no publisher can be reached at `{base}`")
    } else {
        format!("the exchange with the publisher at `{base}` broke off")
    };
    Failure::because(Exit::Publisher, message, error.without_url()).help(START)
}

/// There was no answer in time.
pub fn late(base: &Url) -> Failure {
    let message = format!("the publisher at `{base}` did not answer in time");
    Failure::new(Exit::Publisher, message).help(START)
}

const START: &str = "is the publisher running? `cedarkey serve` starts one";

/// What is said there makes no sense.
pub fn not_a_publisher(base: &Url, status: StatusCode) -> Failure {
    let message = format!("what answers at `{base}` is not a publisher: it said {status}");
    Failure::new(Exit::Publisher, message).help("check the address: host, port and path")
}

fn refused(base: &Url, status: StatusCode, detail: &str) -> Failure {
    if status.is_server_error() {
        let message = format!("the publisher at `{base}` fails: {detail}");
        return Failure::new(Exit::Publisher, message);
    }
    if status == StatusCode::NOT_FOUND {
        let message = format!("the publisher at `{base}` does not have it: {detail}");
        return Failure::new(Exit::Refused, message);
    }
    let message = format!("the publisher at `{base}` refused it: {detail}");
    match status {
        StatusCode::FORBIDDEN => Failure::new(Exit::Refused, message).help(
            "start the publisher with `--trusted` and this project's public key, or sign with a key it trusts",
        ),
        StatusCode::PRECONDITION_FAILED => Failure::new(Exit::Conflict, message)
            .help("others are pushing; try again when they are done"),
        StatusCode::CONFLICT => Failure::new(Exit::Conflict, message)
            .help("build anew: a bundle's version must be higher than the last"),
        _ => Failure::new(Exit::Refused, message),
    }
}
