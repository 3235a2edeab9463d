//! A push: what is missing is asked for, uploaded, and then the manifest.

use super::Publisher;
use super::answer::Rejection;
use crate::exit::Exit;
use crate::failure::Failure;
use cedarkey_bundle::{Archive, Digest, ENVELOPE_MEDIA_TYPE, Envelope};
use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::header::{CONTENT_TYPE, HeaderValue, IF_MATCH};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

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
        let Archive { envelope, segments } = archive;
        let named = envelope.manifest().segments.iter().map(|segment| segment.digest);
        let segments = named.zip(segments.iter().map(Vec::as_slice)).collect();
        Ok(self.push_parts(envelope, &segments, None).await?)
    }

    /// Sends a bundle of which the publisher should have all segments but these; if there is an
    /// `ETag`, only while that is in force.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push); and where the publisher misses other segments.
    pub async fn push_parts(
        &self,
        envelope: &Envelope,
        segments: &BTreeMap<Digest, &[u8]>,
        in_force: Option<&HeaderValue>,
    ) -> Result<Pushed, Rejection> {
        self.in_time(async {
            match self.try_push(envelope, segments, in_force).await {
                // Once: a publisher that forgets again has another trouble.
                Err(Rejection::Forgotten(_)) => self.try_push(envelope, segments, in_force).await,
                other => other,
            }
        })
        .await
    }

    async fn try_push(
        &self,
        envelope: &Envelope,
        segments: &BTreeMap<Digest, &[u8]>,
        in_force: Option<&HeaderValue>,
    ) -> Result<Pushed, Rejection> {
        let url = |what| self.url(&["bundles", &envelope.manifest().name, what]);
        let body = envelope.encode();
        let post = self.client.post(url("missing"));
        let post = post.header(CONTENT_TYPE, ENVELOPE_MEDIA_TYPE).body(body.clone());
        let Missing { missing } = self.ask(post).await?.parse(&self.base)?;
        let mut wanted = Vec::new();
        for text in &missing {
            let held = text.parse().ok().and_then(|digest| segments.get(&digest));
            wanted.push((text, held.ok_or_else(|| self.lacks(text))?));
        }
        let bytes = wanted.iter().map(|(_, content)| content.len()).fold(0, usize::saturating_add);
        let uploads = wanted.into_iter().map(|(digest, content)| {
            self.ask(self.client.put(self.url(&["segments", digest])).body(content.to_vec()))
        });
        let mut uploads = stream::iter(uploads).buffer_unordered(AT_ONCE);
        while uploads.try_next().await?.is_some() {}
        let mut put = self.client.put(url("manifest"));
        if let Some(etag) = in_force {
            put = put.header(IF_MATCH, etag);
        }
        let put = put.header(CONTENT_TYPE, ENVELOPE_MEDIA_TYPE).body(body);
        let Accepted { name, version } = self.ask(put).await?.parse(&self.base)?;
        Ok(Pushed { name, version, uploaded: missing.len(), bytes })
    }

    /// A segment is wanted that is not at hand.
    fn lacks(&self, digest: &str) -> Failure {
        let base = &self.base;
        let message = format!("the publisher at `{base}` no longer has the segment {digest}");
        Failure::new(Exit::Refused, message).help("push the project anew")
    }
}
