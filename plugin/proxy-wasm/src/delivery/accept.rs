//! Verifying a bundle, and holding the one in force.

use crate::config::Config;
use cedarkey_bundle::{
    Archive, Bundle, DecodeError, Digest, Envelope, Manifest, OpenError, Refusal, Terms,
};

/// A bundle in force.
#[derive(Debug)]
pub struct Active {
    /// What decisions are made with.
    pub bundle: Bundle,
}

/// Why a bundle was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The bytes are not what they must be.
    #[error("the bundle is damaged: {0}")]
    Damaged(#[from] DecodeError),
    /// What is in shared data went away while it was read; another VM is about to put a newer one
    /// there.
    #[error("the bundle in shared data is incomplete")]
    Incomplete,
    /// What is in it does not fit together.
    #[error("the bundle cannot be opened: {0}")]
    Open(#[from] OpenError),
    /// It is not to be accepted.
    #[error("the bundle is refused: {0}")]
    Refused(#[from] Refusal),
    /// The publisher answered with a status that says it has nothing for this filter.
    #[error("the publisher answered with status {0}")]
    Status(u16),
    /// More follows on the envelope that a publisher gave.
    #[error("the bundle is damaged: bytes follow on its envelope")]
    Trailing,
    /// The publisher could not be reached, or broke off, or did not answer in time. The proxy
    /// answers in its stead, often.
    #[error("the publisher cannot be reached{}", .0.map(|s| format!(" (status {s})")).unwrap_or_default())]
    Unreachable(Option<u16>),
}

// === impl Active ===

impl Active {
    /// Verifies and opens an archive.
    pub fn from_archive(config: &Config, archive: &[u8], now: i64) -> Result<Self, LoadError> {
        let Archive { envelope, segments } = Archive::decode(archive)?;
        Self::open(config, &envelope, segments, now)
    }

    /// Verifies an envelope, and opens the bundle that its segments make.
    pub fn open(
        config: &Config,
        envelope: &Envelope,
        segments: Vec<Vec<u8>>,
        now: i64,
    ) -> Result<Self, LoadError> {
        let manifest = accept(config, envelope, None, now)?.clone();
        Ok(Self { bundle: Bundle::open(manifest, segments)? })
    }

    /// Its version.
    pub fn version(&self) -> u64 {
        self.bundle.manifest.version
    }

    /// The digests of its segments.
    pub fn segments(&self) -> impl Iterator<Item = Digest> {
        self.bundle.manifest.segments.iter().map(|segment| segment.digest)
    }

    /// Whether it has expired, at an instant in milliseconds.
    pub fn is_stale(&self, now: i64) -> bool {
        now >= self.bundle.manifest.expires.saturating_mul(1000)
    }
}

/// The manifest of an envelope that meets the configuration's terms at an instant in milliseconds.
pub(super) fn accept<'a>(
    config: &Config,
    envelope: &'a Envelope,
    above: Option<u64>,
    now: i64,
) -> Result<&'a Manifest, Refusal> {
    envelope.accept(&Terms {
        name: Some(&config.bundle),
        trusted: &config.trusted,
        above_version: above,
        min_version: config.min_version,
        now: now.div_euclid(1000),
    })
}

// === impl LoadError ===

impl LoadError {
    /// Whether the bundle was good once.
    pub fn is_expiry(&self) -> bool {
        matches!(self, Self::Refused(Refusal::Expired { .. }))
    }

    /// The cause as metrics name it; stable.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Damaged(_) | Self::Trailing => "damaged",
            Self::Incomplete => "incomplete",
            Self::Open(_) => "unusable",
            Self::Refused(refusal) => refusal.label(),
            Self::Status(_) => "status",
            Self::Unreachable(_) => "unreachable",
        }
    }
}
