//! `GET /v1/segments/{sha256}`: a segment, which never changes.
//! `PUT /v1/segments/{sha256}`: a segment that an announced bundle needs.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use cedarkey_bundle::Digest;

use crate::{Shared, problem::Problem, store::Wanted};

/// A year, and no need to ask again within it: the name is the digest of the content.
pub(crate) const FOR_EVER: &str = "public, max-age=31536000, immutable";

pub(crate) async fn get(
    State(shared): State<Arc<Shared>>,
    digest: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let Path(digest) = digest?;
    let digest: Digest = digest.parse().map_err(|_| Problem::UnknownSegment)?;
    let content = shared.store.segment(&digest).await?.ok_or(Problem::UnknownSegment)?;
    let headers =
        [(header::CONTENT_TYPE, "application/octet-stream"), (header::CACHE_CONTROL, FOR_EVER)];
    Ok((headers, content).into_response())
}

pub(crate) async fn put(
    State(shared): State<Arc<Shared>>,
    digest: Result<Path<String>, PathRejection>,
    body: Body,
) -> Result<StatusCode, Problem> {
    let Path(digest) = digest?;
    let digest: Digest = digest.parse().map_err(|_| Problem::UnknownSegment)?;
    shared.receive_segment(digest, body).await.inspect_err(|problem| {
        tracing::warn!(%digest, cause = problem.cause(), %problem, "segment refused");
    })
}

// === impl Shared ===

impl Shared {
    /// Only what somebody announced who may push is taken, so that nobody needs to say who they
    /// are: there is one content of this digest, and it was asked for.
    async fn receive_segment(&self, digest: Digest, body: Body) -> Result<StatusCode, Problem> {
        let wanted = self.store.wanted(&digest).await?;
        let mut inflow = self.intake.vouched(body);
        let length = match wanted {
            Wanted::Yes { length } => length,
            Wanted::Here | Wanted::No => {
                inflow.drain(self.max_bundle_bytes).await;
                let is_here = matches!(wanted, Wanted::Here);
                return if is_here {
                    Ok(StatusCode::NO_CONTENT)
                } else {
                    Err(Problem::NotAnnounced)
                };
            }
        };
        inflow.whole(length).await?;
        let content = inflow.into_bytes();
        if content.len() != length {
            return Err(Problem::SegmentLength { found: content.len(), expected: length });
        }
        // Digests of megabytes would hold up the other requests of this thread.
        let digested = tokio::task::spawn_blocking(move || (Digest::of(&content), content));
        let (found, content) = digested.await.map_err(|_| Problem::Internal)?;
        if found != digest {
            return Err(Problem::SegmentDigest { found });
        }
        self.store.put_segment(&digest, &content).await?;
        self.metrics.uploaded.inc_by(content.len() as u64);
        Ok(StatusCode::NO_CONTENT)
    }
}
