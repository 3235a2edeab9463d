//! `GET /v1/bundles/{name}/manifest`: the newest envelope, now or when there is a newer one.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use cedarkey_bundle::ENVELOPE_MEDIA_TYPE;

use crate::{
    Shared, conditional,
    fleet::Report,
    problem::Problem,
    store::{Latest, StoreError},
};

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

pub(crate) async fn get(
    State(shared): State<Arc<Shared>>,
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Path(name) = name?;
    let mut latest = shared.require(&name).await?;
    let report = Report::of(&headers);
    let hear = || report.iter().for_each(|report| shared.fleet.hear(&name, report));
    hear();
    let mut held = None;
    if conditional::has(&headers, &latest.etag) {
        held = conditional::wait(&headers);
        if let Some(wait) = held.filter(|wait| !wait.is_zero()) {
            latest = newer(&shared, &name, &headers, wait).await.unwrap_or(latest);
            // Whoever waits until the end is still there.
            hear();
        }
    }
    let mut response = if conditional::has(&headers, &latest.etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, ENVELOPE_MEDIA_TYPE)], latest.envelope.clone()).into_response()
    };
    let answer = response.headers_mut();
    // A cache may keep an envelope but has to ask every time whether it is still the newest.
    answer.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-cache"));
    // Digits and hexadecimal digits in quotes; always a header value.
    if let Ok(etag) = latest.etag.parse() {
        answer.insert(header::ETAG, etag);
    }
    if let Some(wait) = held {
        // A number, so always a header value.
        if let Ok(applied) = format!("wait={}", wait.as_secs()).parse() {
            answer.insert(PREFERENCE_APPLIED, applied);
        }
    }
    Ok(response)
}

/// Waits for an envelope that the client does not have, for at most `wait` and no longer than
/// the publisher runs.
async fn newer(
    shared: &Shared,
    name: &str,
    headers: &HeaderMap,
    wait: Duration,
) -> Option<Arc<Latest>> {
    let is_new = |latest: &Latest| !conditional::has(headers, &latest.etag);
    let mut arrival = shared.arrivals.subscribe(name);
    let mut closing = shared.closing.subscribe();
    tracing::debug!(bundle = name, seconds = wait.as_secs(), "holding a request");
    tokio::select! {
        // What became known between the first look and the subscription is seen at once. Neither
        // sender goes away while `shared` is there, so an end is always a reason to go.
        arrived = arrival.wait_for(|latest| latest.as_deref().is_some_and(is_new)) => {
            arrived.ok().and_then(|latest| latest.clone())
        }
        _ = closing.wait_for(|closing| *closing) => None,
        () = tokio::time::sleep(wait) => None,
    }
}

// === impl Shared ===

impl Shared {
    /// The newest version of a bundle that is known here. A push here makes it known at once, one
    /// elsewhere as soon as it is heard of (`follow`); the database is asked only for names of
    /// which nothing is known.
    pub(crate) async fn latest(&self, name: &str) -> Result<Option<Arc<Latest>>, StoreError> {
        if let Some(known) = self.arrivals.known(name) {
            return Ok(Some(known));
        }
        let latest = self.store.latest(name).await?.map(Arc::new);
        if let Some(latest) = &latest {
            self.arrivals.learn(name, latest);
        }
        Ok(latest)
    }

    /// The same of a bundle that must be known here.
    pub(crate) async fn require(&self, name: &str) -> Result<Arc<Latest>, Problem> {
        let latest = self.latest(name).await?;
        latest.ok_or_else(|| Problem::UnknownBundle { name: name.into() })
    }
}
