//! `GET /v1/bundles/{name}/versions`: the versions that are kept, the newest first.
//! `GET /v1/bundles/{name}/versions/{version}`: the envelope of one, which never changes.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    http::header,
    response::{IntoResponse as _, Response},
};
use cedarkey_bundle::ENVELOPE_MEDIA_TYPE;
use serde::Serialize;

use crate::{Shared, problem::Problem, segment::FOR_EVER};

#[derive(Serialize)]
pub(crate) struct Versions {
    name: String,
    versions: Vec<Version>,
}

#[derive(Serialize)]
struct Version {
    version: u64,
    /// In seconds since 1970-01-01T00:00:00Z.
    pushed: i64,
}

pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let Path(name) = name?;
    let kept = shared.store.versions(&name).await?;
    if kept.is_empty() {
        return Err(Problem::UnknownBundle { name });
    }
    let versions = kept.into_iter();
    let versions =
        versions.map(|kept| Version { version: kept.version, pushed: kept.pushed_at }).collect();
    Ok(([(header::CACHE_CONTROL, "no-cache")], Json(Versions { name, versions })).into_response())
}

pub(crate) async fn get(
    State(shared): State<Arc<Shared>>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Response, Problem> {
    let Path((name, version)) = path?;
    let found = match version.parse() {
        Ok(version) => shared.store.version(&name, version).await?,
        Err(_) => None,
    };
    let found = found.ok_or(Problem::UnknownVersion { name, version })?;
    let headers = [
        (header::CONTENT_TYPE, ENVELOPE_MEDIA_TYPE),
        (header::CACHE_CONTROL, FOR_EVER),
        (header::ETAG, &found.etag),
    ];
    Ok((headers, found.envelope).into_response())
}
