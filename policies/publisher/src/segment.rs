//! `GET /v1/segments/{sha256}`: a segment, which never changes.

use std::sync::Arc;

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::header,
    response::{IntoResponse as _, Response},
};
use cedarkey_bundle::Digest;

use crate::{Shared, problem::Problem};

/// A year, and no need to ask again within it: the name is the digest of the content.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

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
