//! What the publisher keeps. All SQL is in this module.

mod error;
mod sqlite;

use axum::body::Bytes;
use cedarkey_bundle::Digest;

pub use error::OpenError;
pub(crate) use error::StoreError;
pub(crate) use sqlite::Store;

/// The newest version of a bundle.
#[derive(Debug)]
pub(crate) struct Latest {
    pub(crate) version: u64,
    pub(crate) envelope: Bytes,
    /// With its quotes.
    pub(crate) etag: String,
}

/// What became of a push.
#[derive(Debug)]
pub(crate) enum Pushed {
    /// It is now the newest version.
    Stored(Latest),
    /// Nothing was stored, because the newest version is this one.
    NotAbove { current: u64 },
}

// === impl Latest ===

impl Latest {
    fn new(version: u64, envelope: Vec<u8>) -> Self {
        let digest = Digest::of(&envelope).to_string();
        let etag = format!("\"{version}-{digest:.16}\"");
        Self { version, envelope: envelope.into(), etag }
    }
}
