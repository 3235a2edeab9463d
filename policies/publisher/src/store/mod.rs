//! What the publisher keeps. All SQL is in this module.
//!
//! Both databases are spoken to through [`sqlx::Any`]: what is done is written once, and what
//! differs is in `dialect`.

mod database;
mod dialect;
mod error;
mod findings;
mod fleet;
mod listen;
mod open;
mod places;
mod push;
mod read;
mod refs;
mod sql;
mod usage;

use std::{future::Future, time::Duration};

use axum::body::Bytes;
use cedarkey_bundle::{Digest, Envelope};
use sqlx::AnyPool;
use tokio::sync::{Mutex, MutexGuard};

pub use database::{Database, DatabaseTextError};
pub use error::OpenError;
pub(crate) use error::StoreError;
pub(crate) use listen::Listener;
pub(crate) use refs::Refs;
pub(crate) use usage::MAX_KEYS;

/// How long anything may take that is asked of the database. The database itself gives up earlier;
/// this is for one that does not answer at all.
const LIMIT: Duration = Duration::from_secs(15);

/// Bundles and segments.
#[derive(Debug)]
pub(crate) struct Store {
    pool: AnyPool,
    dialect: &'static dialect::Dialect,
    /// Held by whoever writes, where only one can at a time.
    turn: Option<Mutex<()>>,
}

/// The newest version of a bundle.
#[derive(Debug)]
pub(crate) struct Latest {
    pub(crate) version: u64,
    pub(crate) envelope: Bytes,
    /// With its quotes.
    pub(crate) etag: String,
}

/// A version that is kept.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) version: u64,
    /// In seconds since 1970-01-01T00:00:00Z.
    pub(crate) pushed_at: i64,
}

/// Whether a segment is to be uploaded.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wanted {
    /// It was announced, and is there already.
    Here,
    /// Nobody has announced it.
    No,
    /// It was announced with this length.
    Yes { length: usize },
}

/// What became of an announcement.
#[derive(Debug)]
pub(crate) enum Announced {
    /// These segments are not there. The others stay as long as they may be uploaded.
    Missing(Vec<Digest>),
    /// The newest version is this one.
    NotAbove { current: u64 },
}

/// A new version of a bundle, whose signature and name were checked.
#[derive(Debug)]
pub(crate) struct Push {
    pub(crate) envelope: Envelope,
    /// In the manifest's order; none where they were uploaded before.
    pub(crate) segments: Option<Vec<Vec<u8>>>,
    /// What must be in force, if it matters.
    pub(crate) condition: Option<Condition>,
}

/// What must be in force for a push to be wanted: `If-Match`, by RFC 9110 section 13.1.1.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    /// With their quotes; `*` is any.
    pub(crate) etags: Vec<String>,
}

/// What became of a push.
#[derive(Debug)]
pub(crate) enum Pushed {
    /// It is now the newest version.
    Stored(Latest),
    /// Nothing was stored, because the newest version is this one.
    NotAbove { current: u64 },
    /// Nothing was stored, because something else is in force than whoever pushed has seen.
    Unexpected,
    /// Nothing was stored, because so many segments are not there.
    Incomplete { missing: usize, first: Digest },
}

// === impl Store ===

impl Store {
    /// What is asked of the database, if it answers in time.
    async fn in_time<T>(
        &self,
        task: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        tokio::time::timeout(LIMIT, task).await.unwrap_or(Err(StoreError::Late))
    }

    /// Waits for its turn to write. SQLite lets those who wait try now and then, and whoever is lucky
    /// goes first: so that a push is not kept out by many others, they go in the order in which they
    /// came.
    async fn turn(&self) -> Option<MutexGuard<'_, ()>> {
        match &self.turn {
            Some(turn) => Some(turn.lock().await),
            None => None,
        }
    }

    /// Ends all connections, and with them the files beside a SQLite file.
    pub(crate) async fn close(&self) {
        // A server that does not answer keeps nobody from going.
        let _ = tokio::time::timeout(LIMIT, self.pool.close()).await;
    }
}

// === impl Condition ===

impl Condition {
    fn is_met(&self, latest: Option<&Latest>) -> bool {
        let is = |etag: &String| latest.is_some_and(|latest| etag == "*" || *etag == latest.etag);
        self.etags.iter().any(is)
    }
}

// === impl Latest ===

impl Latest {
    /// A version and its envelope, as the database has them.
    fn of_row((version, envelope): (i64, Vec<u8>)) -> Self {
        Self::new(version.cast_unsigned(), envelope)
    }

    fn new(version: u64, envelope: Vec<u8>) -> Self {
        let digest = Digest::of(&envelope).to_string();
        let etag = format!("\"{version}-{digest:.16}\"");
        Self { version, envelope: envelope.into(), etag }
    }
}
