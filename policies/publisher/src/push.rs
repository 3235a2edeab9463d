//! `PUT /v1/bundles/{name}`: a new version of a bundle.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    Json,
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use cedarkey_bundle::{Archive, Refusal};
use serde::Serialize;

use crate::{
    Shared, body,
    problem::Problem,
    store::{Latest, Pushed},
};

#[derive(Serialize)]
struct Receipt<'a> {
    name: &'a str,
    version: u64,
}

pub(crate) async fn put(
    State(shared): State<Arc<Shared>>,
    name: Result<Path<String>, PathRejection>,
    body: Body,
) -> Result<Response, Problem> {
    let Path(name) = name?;
    let latest = shared.receive(&name, body).await.inspect_err(|problem| {
        tracing::warn!(bundle = name, cause = problem.cause(), %problem, "push refused");
    })?;
    let receipt = Receipt { name: &name, version: latest.version };
    let headers = [
        (header::ETAG, latest.etag.clone()),
        (header::LOCATION, format!("/v1/bundles/{name}/manifest")),
    ];
    Ok((StatusCode::CREATED, headers, Json(receipt)).into_response())
}

// === impl Shared ===

impl Shared {
    async fn receive(self: &Arc<Self>, name: &str, body: Body) -> Result<Arc<Latest>, Problem> {
        let bytes = body::read(body, self.max_archive_bytes).await?;
        let (shared, name) = (Arc::clone(self), name.to_owned());
        // A task of its own: a client that goes away ends this future, and what is stored has to
        // be announced all the same.
        let publishing = tokio::spawn(shared.publish(name, bytes));
        publishing.await.map_err(|_| Problem::Internal)?
    }

    async fn publish(
        self: Arc<Self>,
        name: String,
        bytes: Vec<u8>,
    ) -> Result<Arc<Latest>, Problem> {
        let (checker, expected) = (Arc::clone(&self), name.clone());
        // Digests of megabytes would hold up the other requests of this thread.
        let checked = tokio::task::spawn_blocking(move || checker.check(&expected, &bytes, now()));
        let archive = checked.await.map_err(|_| Problem::Internal)??;
        let version = archive.envelope.manifest().version;
        match self.store.push(&archive, now()).await? {
            Pushed::Stored(latest) => {
                let latest = Arc::new(latest);
                self.arrivals.announce(&name, &latest);
                tracing::info!(bundle = name, version, "a bundle was pushed");
                Ok(latest)
            }
            Pushed::NotAbove { current } => Err(Refusal::OldVersion { version, current }.into()),
        }
    }

    /// All that can be said without the database. What the engine is able to evaluate is no
    /// concern of the publisher's: proxies may well be newer than it is.
    fn check(&self, name: &str, bytes: &[u8], now: i64) -> Result<Archive, Problem> {
        let archive = Archive::decode(bytes)?;
        let manifest = archive.envelope.verify(&self.trusted)?;
        if manifest.name != name {
            let (found, expected) = (manifest.name.clone(), name.to_owned());
            return Err(Refusal::WrongName { found, expected }.into());
        }
        let expires = manifest.expires;
        if expires <= now {
            return Err(Refusal::Expired { expires, now }.into());
        }
        Ok(archive)
    }
}

/// Seconds since 1970-01-01T00:00:00Z. A clock before that counts as then, and one that is
/// beyond all numbers as later than everything: nothing is valid then.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
