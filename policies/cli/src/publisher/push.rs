//! A push: what is missing is asked for, uploaded, and then the manifest.

use super::Publisher;
use super::answer::Rejection;
use crate::failure::Failure;
use cedarkey_bundle::{Archive, ENVELOPE_MEDIA_TYPE};
use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;
use std::collections::BTreeSet;

/// How many segments are uploaded at a time.
const AT_ONCE: usize = 8;

/// A bundle that is now the newest of its name.
#[derive(Debug)]
pub struct Pushed {
    /// The bundle's name.
    pub name: String,
    /// The version that is now in force.
    pub version: u64,
    /// How many segments were uploaded.
    pub uploaded: usize,
    /// How many bytes these were.
    pub bytes: usize,
}

/// A publisher's answer to an announcement.
#[derive(Debug, Deserialize)]
struct Missing {
    missing: BTreeSet<String>,
}

/// A publisher's answer to a push.
#[derive(Debug, Deserialize)]
struct Accepted {
    name: String,
    version: u64,
}

// === impl Publisher ===

impl Publisher {
    /// Sends a bundle: only what the publisher does not have.
    ///
    /// # Errors
    ///
    /// Where the publisher cannot be reached, does not answer in time, refuses, or is no publisher.
    pub async fn push(&self, archive: &Archive) -> Result<Pushed, Failure> {
        self.in_time(async {
            match self.try_push(archive).await {
                // Once: a publisher that forgets again has another trouble.
                Err(Rejection::Forgotten(_)) => Ok(self.try_push(archive).await?),
                other => Ok(other?),
            }
        })
        .await
    }

    async fn try_push(&self, archive: &Archive) -> Result<Pushed, Rejection> {
        let manifest = archive.envelope.manifest();
        let envelope = archive.envelope.encode();
        let url = |what| self.url(&["bundles", &manifest.name, what]);
        let post = self.client.post(url("missing"));
        let post = post.header(CONTENT_TYPE, ENVELOPE_MEDIA_TYPE).body(envelope.clone());
        let Missing { mut missing } = self.ask(post).await?.parse(&self.base)?;
        // Each once, also where a manifest names it twice.
        let segments = manifest.segments.iter().zip(&archive.segments);
        let segments: Vec<_> = segments
            .map(|(segment, content)| (segment.digest.to_string(), content))
            .filter(|(digest, _)| missing.remove(digest))
            .collect();
        let uploaded = segments.len();
        let bytes =
            segments.iter().map(|(_, content)| content.len()).fold(0, usize::saturating_add);
        let uploads = segments.into_iter().map(|(digest, content)| {
            let put = self.client.put(self.url(&["segments", &digest]));
            self.ask(put.body(content.clone()))
        });
        let mut uploads = stream::iter(uploads).buffer_unordered(AT_ONCE);
        while uploads.try_next().await?.is_some() {}
        let put = self.client.put(url("manifest"));
        let put = put.header(CONTENT_TYPE, ENVELOPE_MEDIA_TYPE).body(envelope);
        let Accepted { name, version } = self.ask(put).await?.parse(&self.base)?;
        Ok(Pushed { name, version, uploaded, bytes })
    }
}
