//! What the process that runs a publisher does with it, without HTTP.

use std::sync::Arc;

use cedarkey_bundle::{Archive, Manifest, PublicKey};

use crate::{
    Publisher,
    clock::now,
    problem::Problem,
    store::{Condition, Push},
};

/// A bundle's newest version.
#[derive(Clone, Debug)]
pub struct InForce {
    /// What it consists of.
    pub manifest: Manifest,
    etag: String,
}

/// Why the publisher does not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Rejected(#[from] Problem);

// === impl Rejected ===

impl Rejected {
    /// Whether somebody else was first, so that it may be tried again on what is in force now.
    #[must_use]
    pub fn was_late(&self) -> bool {
        let Self(problem) = self;
        matches!(problem.cause(), "precondition" | "old_version")
    }
}

// === impl Publisher ===

impl Publisher {
    /// The newest version of a bundle, if it was ever pushed.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn in_force(&self, name: &str) -> Result<Option<InForce>, Rejected> {
        // From the database: another publisher may have been told of a push that this one has not
        // heard of yet.
        let latest = self.shared.store.latest(name).await.map_err(Problem::from)?;
        let Some(latest) = latest else { return Ok(None) };
        let (envelope, _) =
            cedarkey_bundle::Envelope::decode(&latest.envelope).map_err(Problem::from)?;
        Ok(Some(InForce { manifest: envelope.manifest().clone(), etag: latest.etag.clone() }))
    }

    /// Whether one of these keys may push the bundle now.
    #[must_use]
    pub fn trusts(&self, name: &str, keys: &[PublicKey]) -> bool {
        self.shared.signers.of(name, now()).iter().any(|trusted| keys.contains(trusted))
    }

    /// The segments of a version, in the manifest's order.
    ///
    /// # Errors
    ///
    /// The database fails, or does not have one any more.
    pub async fn segments(&self, manifest: &Manifest) -> Result<Vec<Vec<u8>>, Rejected> {
        let mut segments = Vec::with_capacity(manifest.segments.len());
        for segment in &manifest.segments {
            let content =
                self.shared.store.segment(&segment.digest).await.map_err(Problem::from)?;
            segments.push(content.ok_or(Problem::UnknownSegment)?);
        }
        Ok(segments)
    }

    /// Pushes a bundle, as long as what is in force still is. It is checked as every push is.
    ///
    /// # Errors
    ///
    /// It is not accepted, or the database fails.
    pub async fn push(&self, archive: Archive, onto: &InForce) -> Result<u64, Rejected> {
        let Archive { envelope, segments } = archive;
        let name = envelope.manifest().name.clone();
        self.shared.check(&name, &envelope, now())?;
        let condition = Some(Condition { etags: vec![onto.etag.clone()] });
        let push = Push { envelope, segments: Some(segments), condition };
        // A task of its own: what is stored has to be announced, whoever stops waiting for it.
        let pushed = tokio::spawn(Arc::clone(&self.shared).publish(push)).await;
        Ok(pushed.map_err(|_| Problem::Internal)??.version)
    }
}
