//! Leaked tokens that others have found.
//!
//! The publisher knows no keys, holds nothing that could sign, and never stores a token: it checks
//! who says so, keeps the SHA-256 of what was found, and gives that to those who may push the
//! bundle. They have the registry, and answer.

mod github;
mod keys;
mod read;

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};
use cedarkey_bundle::Digest;
use serde::Serialize;
use tokio::sync::watch;

use crate::Shared;

pub use keys::{GithubKeys, GithubKeysError};

/// What takes findings in.
#[derive(Debug)]
pub(crate) struct Findings {
    github: GithubKeys,
    /// Told whenever something was found.
    arrived: watch::Sender<()>,
}

/// A token that was found, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// SHA-256 of the token, in hexadecimal digits.
    pub(crate) hash: String,
    /// What kind of token it is, as the scanner calls it.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// Where it is to be seen; may be empty.
    pub(crate) url: String,
    /// In what it was found, as the scanner calls it; may be empty.
    pub(crate) source: String,
}

/// A finding that nobody has answered yet.
#[derive(Debug, Serialize)]
pub(crate) struct Open {
    pub(crate) id: i64,
    #[serde(flatten)]
    pub(crate) finding: Finding,
    /// In seconds since 1970-01-01T00:00:00Z.
    pub(crate) received: i64,
}

/// What was found, all in one request.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) bundle: String,
    /// Of the body.
    pub(crate) digest: Digest,
    pub(crate) findings: Vec<Finding>,
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivered {
    /// Nothing was stored, for want of room.
    Full,
    /// It was delivered before: nothing was done.
    Known,
    /// So many findings are new.
    New { stored: u64 },
}

// === impl Findings ===

impl Findings {
    pub(crate) fn new(github: GithubKeys) -> Self {
        Self { github, arrived: watch::Sender::new(()) }
    }
}

/// For whoever finds leaked tokens, and for those who answer.
pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/v1/findings/{name}", get(read::get))
        .route("/v1/findings/{name}/answered", post(read::answered))
        .route("/v1/findings/{name}/github", post(github::post))
}
