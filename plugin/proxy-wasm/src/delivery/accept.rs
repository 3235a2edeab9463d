//! Verifying a bundle, and holding the one in force.

use crate::config::{Config, TrustedKey};
use crate::inventory::{Hot, Inventory};
use cedarkey_bundle::revocations::Revocations;
use cedarkey_bundle::{
    Archive, Bundle, DecodeError, Digest, Envelope, Manifest, OpenError, PublicKey, Refusal,
    SegmentKind, SegmentRef, Terms,
};
use cedarkey_engine::model::Model;
use cedarkey_engine::route::Routes;
use std::cell::RefCell;
use std::rc::Rc;

/// A bundle in force: what decisions are made with. Versions share what they have in common.
#[derive(Debug)]
pub struct Active {
    /// What it is called, how long it holds, and what it consists of.
    pub manifest: Manifest,
    /// The compiled policies.
    pub model: Rc<Model>,
    /// The route table.
    pub routes: Rc<Routes>,
    /// The keys.
    pub keys: Inventory,
    /// The keys that were revoked since.
    pub revocations: Revocations,
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
    /// A trusted key signed it, but at this time it is not trusted.
    #[error("the bundle is refused: the key that signed it is not trusted at this time")]
    UntimelySigner,
}

// === impl Active ===

impl Active {
    /// Verifies and opens an archive. Its keys are held in this VM.
    pub fn from_archive(
        config: &Config,
        archive: &[u8],
        now: i64,
        hot: &Rc<RefCell<Hot>>,
    ) -> Result<Self, LoadError> {
        let Archive { envelope, segments } = Archive::decode(archive)?;
        let manifest = accept(config, &envelope, None, now)?.clone();
        let Bundle { manifest, model, routes, keys, revocations } =
            Bundle::open(manifest, segments)?;
        let (model, routes) = (Rc::new(model), Rc::new(routes));
        let keys = Inventory::resident(keys, hot);
        Ok(Self { manifest, model, routes, keys, revocations })
    }

    /// Its version.
    pub fn version(&self) -> u64 {
        self.manifest.version
    }

    /// Whether it has expired, at an instant in milliseconds.
    pub fn is_stale(&self, now: i64) -> bool {
        now >= self.manifest.expires.saturating_mul(1000)
    }
}

/// The one segment of a kind that a manifest must have.
pub(super) fn segment(manifest: &Manifest, kind: SegmentKind) -> Result<SegmentRef, OpenError> {
    let mut all = manifest.segments.iter().filter(|segment| segment.kind == kind);
    match (all.next(), all.count()) {
        (Some(segment), 0) => Ok(*segment),
        (first, more) => {
            let found = more.saturating_add(usize::from(first.is_some()));
            Err(OpenError::KindCount { kind, found })
        }
    }
}

/// The digest of the one segment of a kind, if there is such.
pub(super) fn digest(manifest: &Manifest, kind: SegmentKind) -> Option<Digest> {
    segment(manifest, kind).ok().map(|segment| segment.digest)
}

/// The manifest of an envelope that meets the configuration's terms at an instant in milliseconds.
pub(super) fn accept<'a>(
    config: &Config,
    envelope: &'a Envelope,
    above: Option<u64>,
    now: i64,
) -> Result<&'a Manifest, LoadError> {
    let timely: Vec<PublicKey> =
        config.trusted.iter().filter(|key| key.holds_at(now)).map(TrustedKey::key).collect();
    let accepted = envelope.accept(&Terms {
        name: Some(&config.bundle),
        trusted: &timely,
        above_version: above,
        min_version: config.min_version,
        now: now.div_euclid(1000),
    });
    accepted.map_err(|refusal| {
        let all: Vec<PublicKey> = config.trusted.iter().map(TrustedKey::key).collect();
        match refusal {
            Refusal::UnknownSigner if envelope.verify(&all).is_ok() => LoadError::UntimelySigner,
            refusal => refusal.into(),
        }
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
            Self::UntimelySigner => "untimely_signer",
        }
    }
}
