//! A bundle on a publisher, signed anew with other parts in the place of some: what cannot wait until
//! the project is built again, or must not depend on it.

use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::project::Settings;
use crate::publisher::{Publisher, Pushed, Rejection};
use crate::signing::{self, Signers};
use cedarkey_bundle::{
    Digest, Envelope, Manifest, PublicKey, SegmentKind, SegmentRef, revocations,
};
use cedarkey_engine::key::KeyId;
use jiff::Timestamp;
use reqwest::header::HeaderValue;
use std::collections::{BTreeMap, BTreeSet};

/// Who signs it, and how one knows that it is the project's own.
pub struct Renewal {
    signers: Signers,
    trusted: Vec<PublicKey>,
    name: String,
}

/// What is signed.
#[derive(Debug)]
pub struct Renewed {
    envelope: Envelope,
    /// The segments that the publisher may not have.
    segments: BTreeMap<Digest, Vec<u8>>,
}

// === impl Renewal ===

impl Renewal {
    /// By the project's keys.
    pub fn read(settings: &Settings) -> Result<Self, Failure> {
        Ok(Self {
            signers: Signers::read(settings)?,
            // A key whose time is over may have been stolen: nothing of its is signed with a good one.
            trusted: signing::trusted_at(&settings.trusted, Timestamp::now()),
            name: settings.name.clone(),
        })
    }

    /// The bundle's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The manifest of an envelope that this project signed: the publisher may be anybody.
    pub fn verified<'a>(&self, envelope: &'a Envelope) -> Result<&'a Manifest, Failure> {
        let manifest = envelope.manifest();
        let message = format!(
            "version {} on the publisher is not by a key that this project trusts now",
            manifest.version
        );
        envelope.verify(&self.trusted).context(Exit::Bundle, &message)?;
        if manifest.name != self.name {
            let message = format!("version {} is not of `{}`", manifest.version, self.name);
            return Err(Failure::new(Exit::Bundle, message));
        }
        Ok(manifest)
    }

    /// Signs what a bundle consists of, with these in the place of its segments of their kinds, as a
    /// version above `current`, for as long as it was made to hold.
    pub async fn sign(
        &self,
        content: &Manifest,
        current: &Manifest,
        parts: Vec<(SegmentKind, Vec<u8>)>,
        now: Timestamp,
    ) -> Result<Renewed, Failure> {
        let is_new = |kind| parts.iter().any(|(other, _)| *other == kind);
        let kept = content.segments.iter().filter(|segment| !is_new(segment.kind));
        let mut all: Vec<_> = kept.copied().collect();
        let mut segments = BTreeMap::new();
        for (kind, content) in parts {
            let digest = Digest::of(&content);
            let failed = "there are too many keys for a bundle";
            let length = u32::try_from(content.len()).context(Exit::Bundle, failed)?;
            all.push(SegmentRef { kind, digest, length });
            segments.insert(digest, content);
        }
        let lifetime = content.expires.saturating_sub(content.created);
        let manifest = Manifest {
            name: content.name.clone(),
            version: crate::bundle::version(now).max(current.version.saturating_add(1)),
            created: now.as_second(),
            expires: now.as_second().saturating_add(lifetime),
            min_engine: content.min_engine,
            segments: all,
        };
        Ok(Renewed { envelope: self.signers.sign_manifest(manifest).await?, segments })
    }
}

// === impl Renewed ===

impl Renewed {
    /// Sends it, if what the `ETag` stands for is still in force.
    pub async fn push(
        &self,
        publisher: &Publisher,
        in_force: &HeaderValue,
    ) -> Result<Pushed, Rejection> {
        let segments = self.segments.iter().map(|(digest, content)| (*digest, &**content));
        publisher.push_parts(&self.envelope, &segments.collect(), Some(in_force)).await
    }
}

/// The keys that a bundle's list of refused keys names.
pub fn refused(list: Vec<u8>) -> Result<BTreeSet<KeyId>, Failure> {
    let list =
        revocations::open(list).context(Exit::Bundle, "a list of revoked keys cannot be read")?;
    Ok(list.iter().collect())
}
