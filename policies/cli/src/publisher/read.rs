//! What a publisher has.

use super::Publisher;
use super::answer::{self, Rejection};
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use cedarkey_bundle::{Envelope, SegmentRef};
use reqwest::StatusCode;
use reqwest::header::HeaderValue;
use serde::Deserialize;

/// The bundle that proxies are given.
#[derive(Debug)]
pub struct InForce {
    /// Its envelope, which nobody has verified.
    pub envelope: Envelope,
    /// Its `ETag`.
    pub etag: HeaderValue,
}

/// A version that is kept.
#[derive(Debug, Deserialize)]
pub struct Version {
    /// The version.
    pub version: u64,
    /// When it was pushed, in seconds since 1970-01-01T00:00:00Z.
    pub pushed: i64,
}

#[derive(Debug, Deserialize)]
struct Versions {
    versions: Vec<Version>,
}

// === impl Publisher ===

impl Publisher {
    /// The versions that are kept of a bundle, the newest first.
    ///
    /// # Errors
    ///
    /// Where the publisher cannot be reached, does not answer in time, has none, or is no publisher.
    pub async fn versions(&self, name: &str) -> Result<Vec<Version>, Failure> {
        let get = self.client.get(self.url(&["bundles", name, "versions"]));
        let versions: Versions = self.ask(get).await?.parse(&self.base)?;
        Ok(versions.versions)
    }

    /// The newest version of a bundle.
    ///
    /// # Errors
    ///
    /// As [`versions`](Self::versions).
    pub async fn in_force(&self, name: &str) -> Result<InForce, Rejection> {
        let get = self.client.get(self.url(&["bundles", name, "manifest"]));
        let answer = self.ask(get).await?;
        let envelope = self.envelope(&answer.body)?;
        let etag = answer.etag;
        let etag = etag.ok_or_else(|| answer::not_a_publisher(&self.base, StatusCode::OK))?;
        Ok(InForce { envelope, etag })
    }

    /// A version of a bundle.
    ///
    /// # Errors
    ///
    /// As [`versions`](Self::versions).
    pub async fn version(&self, name: &str, version: u64) -> Result<Envelope, Rejection> {
        let get = self.client.get(self.url(&["bundles", name, "versions", &version.to_string()]));
        Ok(self.envelope(&self.ask(get).await?.body)?)
    }

    /// A segment, which is the one that was asked for.
    ///
    /// # Errors
    ///
    /// As [`versions`](Self::versions); and where it is another one.
    pub async fn segment(&self, segment: &SegmentRef) -> Result<Vec<u8>, Failure> {
        let get = self.client.get(self.url(&["segments", &segment.digest.to_string()]));
        let answer = self.ask_for(get, segment.length as usize).await?;
        let checked = segment.check(&answer.body);
        checked.context(Exit::Publisher, self.nonsense())?;
        Ok(answer.body)
    }

    fn envelope(&self, bytes: &[u8]) -> Result<Envelope, Failure> {
        Envelope::decode_whole(bytes).context(Exit::Publisher, self.nonsense())
    }

    fn nonsense(&self) -> String {
        format!("what answers at `{}` gives what is not part of a bundle", self.base)
    }
}
