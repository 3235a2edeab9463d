//! `PUT /v1/bundles/{name}/manifest`: a new version of a bundle whose segments were uploaded.
//! `PUT /v1/bundles/{name}`: the same, with all of its segments, as one archive.

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use cedarkey_bundle::{Archive, Envelope, Refusal};
use serde::Serialize;

use crate::{
    Shared,
    clock::now,
    conditional,
    problem::Problem,
    store::{Latest, Push, Pushed},
};

#[derive(Serialize)]
struct Receipt<'a> {
    name: &'a str,
    version: u64,
}

pub(crate) async fn put_manifest(
    State(shared): State<Arc<Shared>>,
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let Path(name) = name?;
    let condition = conditional::condition(&headers);
    let envelope = shared.receive_envelope(&name, body, now()).await;
    let push = envelope.map(|envelope| Push { envelope, segments: None, condition });
    answer(&shared, name, push).await
}

pub(crate) async fn put_archive(
    State(shared): State<Arc<Shared>>,
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let Path(name) = name?;
    let condition = conditional::condition(&headers);
    let push = shared.receive_archive(&name, body).await;
    answer(&shared, name, push.map(|push| Push { condition, ..push })).await
}

async fn answer(
    shared: &Arc<Shared>,
    name: String,
    push: Result<Push, Problem>,
) -> Result<Response, Problem> {
    let published = match push {
        // A task of its own: a client that goes away ends this future, and what is stored has to
        // be announced all the same.
        Ok(push) => {
            tokio::spawn(Arc::clone(shared).publish(push)).await.unwrap_or(Err(Problem::Internal))
        }
        Err(problem) => Err(problem),
    };
    let latest = published.inspect_err(|problem| {
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
    /// An envelope of that name by one who may push it.
    pub(crate) async fn receive_envelope(
        &self,
        name: &str,
        body: Body,
        now: i64,
    ) -> Result<Envelope, Problem> {
        let mut inflow = self.intake.unknown(body);
        let envelope = Envelope::decode_whole(inflow.whole(Envelope::MAX_BYTES).await?)?;
        self.check(name, &envelope, now)?;
        Ok(envelope)
    }

    async fn receive_archive(self: &Arc<Self>, name: &str, body: Body) -> Result<Push, Problem> {
        let limit = self.max_bundle_bytes;
        let mut inflow = self.intake.unknown(body);
        // Most of it is still to come, and is not kept for everybody.
        let wanted = match inflow.envelope(limit).await {
            Ok(envelope) => self.expects(name, &envelope).await,
            Err(problem) => Err(problem),
        };
        if let Err(problem) = wanted {
            inflow.drain(limit).await;
            return Err(problem);
        }
        inflow.vouch();
        inflow.whole(limit).await?;
        let bytes = inflow.into_bytes();
        // Digests of megabytes would hold up the other requests of this thread.
        let checked = tokio::task::spawn_blocking(move || {
            let Archive { envelope, segments } = Archive::decode(&bytes)?;
            Ok(Push { envelope, segments: Some(segments), condition: None })
        });
        checked.await.map_err(|_| Problem::Internal)?
    }

    pub(crate) async fn publish(self: Arc<Self>, push: Push) -> Result<Arc<Latest>, Problem> {
        let manifest = push.envelope.manifest();
        let (name, version) = (manifest.name.clone(), manifest.version);
        match self.store.push(push, now(), self.keep).await? {
            Pushed::Stored(latest) => {
                let latest = Arc::new(latest);
                self.arrivals.learn(&name, &latest);
                self.metrics.pushes.inc();
                tracing::info!(bundle = name, version, "a bundle was pushed");
                Ok(latest)
            }
            Pushed::NotAbove { current } => Err(Problem::old_version(version, current)),
            Pushed::Unexpected => Err(Problem::Unexpected),
            Pushed::Incomplete { missing, first } => Err(Problem::Incomplete { missing, first }),
        }
    }

    /// Whether it is by one who may push it, and not what everybody can read here.
    async fn expects(&self, name: &str, envelope: &Envelope) -> Result<(), Problem> {
        self.check(name, envelope, now())?;
        let version = envelope.manifest().version;
        match self.latest(name).await? {
            Some(known) if version <= known.version => {
                Err(Problem::old_version(version, known.version))
            }
            _ => Ok(()),
        }
    }

    /// All that can be said without the database. What the engine is able to evaluate is no
    /// concern of the publisher's: proxies may well be newer than it is.
    pub(crate) fn check(&self, name: &str, envelope: &Envelope, now: i64) -> Result<(), Problem> {
        let manifest = envelope.verify(&self.signers.of(name, now))?;
        if manifest.name != name {
            let (found, expected) = (manifest.name.clone(), name.to_owned());
            return Err(Refusal::WrongName { found, expected }.into());
        }
        let expires = manifest.expires;
        if expires <= now {
            return Err(Refusal::Expired { expires, now }.into());
        }
        let lengths = manifest.segments.iter().map(|segment| segment.length as usize);
        let limit = self.max_bundle_bytes;
        if lengths.fold(0, usize::saturating_add) > limit {
            return Err(Problem::BundleTooLarge { limit });
        }
        Ok(())
    }
}
