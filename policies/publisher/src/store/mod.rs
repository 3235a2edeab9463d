//! What the publisher keeps. All SQL is in this module.

mod error;
mod refs;
mod sql;
mod sqlite;

use axum::body::Bytes;
use cedarkey_bundle::{Digest, Envelope};

pub use error::OpenError;
pub(crate) use error::StoreError;
pub(crate) use refs::Refs;
pub(crate) use sqlite::Store;

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

// === impl Condition ===

impl Condition {
    fn is_met(&self, latest: Option<&Latest>) -> bool {
        let is = |etag: &String| latest.is_some_and(|latest| etag == "*" || *etag == latest.etag);
        self.etags.iter().any(is)
    }
}

// === impl Latest ===

impl Latest {
    fn new(version: u64, envelope: Vec<u8>) -> Self {
        let digest = Digest::of(&envelope).to_string();
        let etag = format!("\"{version}-{digest:.16}\"");
        Self { version, envelope: envelope.into(), etag }
    }
}
