//! `GET /v1/findings/{name}`: what was found and is not answered, now or when there is something.
//! `POST /v1/findings/{name}/answered`: that it was.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    http::HeaderMap,
};
use cedarkey_bundle::Digest;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::Open;
use crate::{Shared, conditional, problem::Problem};

/// How many findings an answer has.
const AT_ONCE: usize = 500;

/// The largest body that is taken, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// How often to look for what another publisher was told.
const LOOK: Duration = Duration::from_secs(1);

/// The answer: the oldest first.
#[derive(Serialize)]
pub(crate) struct Found {
    findings: Vec<Open>,
    /// Whether there are others.
    more: bool,
}

/// Those that were answered.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answered {
    ids: Vec<i64>,
}

/// How many of them were there.
#[derive(Serialize)]
pub(crate) struct Receipt {
    answered: u64,
}

pub(crate) async fn get(
    State(shared): State<Arc<Shared>>,
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Json<Found>, Problem> {
    let Path(name) = name?;
    shared.authorize(&headers, "findings", &name, Digest::of(b""))?;
    let wait = conditional::wait(&headers).unwrap_or_default();
    let mut findings = shared.found(&name, wait).await?;
    let more = findings.len() > AT_ONCE;
    findings.truncate(AT_ONCE);
    Ok(Json(Found { findings, more }))
}

pub(crate) async fn answered(
    State(shared): State<Arc<Shared>>,
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Receipt>, Problem> {
    let Path(name) = name?;
    let mut inflow = shared.intake.unknown(body);
    let body = inflow.whole(MAX_BODY).await?;
    shared.authorize(&headers, "answered", &name, Digest::of(body))?;
    let Answered { ids } = serde_json::from_slice(body).map_err(|error| {
        Problem::FindingsMalformed { line: error.line(), column: error.column() }
    })?;
    let answered = shared.store.delete_findings(&name, &ids).await?;
    shared.metrics.findings("answered").inc_by(answered);
    Ok(Json(Receipt { answered }))
}

// === impl Shared ===

impl Shared {
    /// What was found and is not answered, as soon as there is anything.
    async fn found(&self, name: &str, wait: Duration) -> Result<Vec<Open>, Problem> {
        let source = self.findings.as_ref().ok_or(Problem::NoSuchPath)?;
        let mut arrived = source.arrived.subscribe();
        let mut closing = self.closing.subscribe();
        let until = Instant::now().checked_add(wait).unwrap_or_else(Instant::now);
        loop {
            arrived.mark_unchanged();
            let found = self.store.findings(name, AT_ONCE.saturating_add(1)).await?;
            let rest = until.saturating_duration_since(Instant::now());
            if !found.is_empty() || rest.is_zero() {
                return Ok(found);
            }
            tokio::select! {
                // The sender is there as long as `self` is.
                _ = arrived.changed() => {}
                _ = closing.wait_for(|closing| *closing) => return Ok(found),
                () = tokio::time::sleep(rest.min(LOOK)) => {}
            }
        }
    }
}
