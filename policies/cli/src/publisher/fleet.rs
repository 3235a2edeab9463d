//! What a publisher knows of the proxies.

use super::Publisher;
use crate::failure::Failure;
use serde::{Deserialize, Serialize};

/// Which proxy has what. All times are in seconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Deserialize)]
pub struct Fleet {
    /// The publisher's time.
    pub now: i64,
    /// The newest version.
    pub newest: Newest,
    /// The proxies, by name.
    pub proxies: Vec<Proxy>,
    /// How many reports the publisher had no room for.
    #[serde(default)]
    pub unrecorded: u64,
    /// Whether what other publishers were told is missing.
    #[serde(default)]
    pub partial: bool,
}

/// The newest version of a bundle.
#[derive(Debug, Deserialize)]
pub struct Newest {
    /// The version.
    pub version: i64,
    /// When it was pushed.
    pub pushed: Option<i64>,
    /// When it expires.
    pub expires: Option<i64>,
}

/// What a proxy says of itself.
#[derive(Debug, Deserialize)]
pub struct Proxy {
    /// Its name.
    pub node: String,
    /// The filter's version.
    pub filter: Option<String>,
    /// The version of the bundle that it has in force.
    pub version: Option<i64>,
    /// Since when it has been in force.
    pub since: Option<i64>,
    /// When it was last heard of.
    pub seen: i64,
    /// Why the last bundle was not taken.
    pub error: Option<String>,
    /// For how many seconds there has been a newer version.
    pub behind: Option<i64>,
    /// What is to be thought of it.
    pub state: State,
}

/// The state of a proxy; `docs/protocol.md` says when it is which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Ahead,
    Behind,
    Current,
    Empty,
    Failing,
    Silent,
    Stale,
    #[serde(other)]
    Unknown,
}

// === impl Publisher ===

impl Publisher {
    /// Which proxy has which version of a bundle.
    ///
    /// # Errors
    ///
    /// Where the publisher cannot be reached, does not answer in time, has none, or is no publisher.
    pub async fn fleet(&self, name: &str) -> Result<Fleet, Failure> {
        let get = self.client.get(self.url(&["fleet", name]));
        self.ask(get).await?.parse(&self.base)
    }
}

// === impl State ===

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ahead => "ahead",
            Self::Behind => "behind",
            Self::Current => "current",
            Self::Empty => "empty",
            Self::Failing => "failing",
            Self::Silent => "silent",
            Self::Stale => "stale",
            Self::Unknown => "unknown",
        })
    }
}
