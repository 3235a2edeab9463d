//! `POST /v1/bundles/{name}/missing`: which segments of a bundle that is about to be pushed the
//! publisher does not have.

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::{Path, State, rejection::PathRejection},
};
use cedarkey_bundle::Digest;
use serde::Serialize;

use crate::{
    Shared,
    clock::now,
    problem::Problem,
    store::{Announced, Refs},
};

/// For how long after its announcement a bundle's segments may be uploaded, in seconds.
const OPEN: i64 = 3600;

/// The answer.
#[derive(Serialize)]
pub(crate) struct Missing {
    missing: Vec<String>,
}

pub(crate) async fn post(
    State(shared): State<Arc<Shared>>,
    name: Result<Path<String>, PathRejection>,
    body: Body,
) -> Result<Json<Missing>, Problem> {
    let Path(name) = name?;
    let missing = shared.announce(&name, body).await.inspect_err(|problem| {
        tracing::warn!(bundle = name, cause = problem.cause(), %problem, "push refused");
    })?;
    Ok(Json(Missing { missing: missing.iter().map(Digest::to_string).collect() }))
}

// === impl Shared ===

impl Shared {
    async fn announce(&self, name: &str, body: Body) -> Result<Vec<Digest>, Problem> {
        let now = now();
        let envelope = self.receive_envelope(name, body, now).await?;
        let manifest = envelope.manifest();
        let refs = Refs::of(manifest);
        match self.store.announce(manifest, &refs, now.saturating_add(OPEN)).await? {
            Announced::Missing(missing) => Ok(missing),
            Announced::NotAbove { current } => Err(Problem::old_version(manifest.version, current)),
        }
    }
}
