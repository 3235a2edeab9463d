//! `POST /v1/bundles/{name}/usage`: what a proxy has counted of the use of keys.
//! `GET /v1/bundles/{name}/usage`: what is known of it, a page at a time.
//!
//! It is advice for people: whoever can reach the publisher can claim to be a proxy. So everything
//! is bounded, nothing here decides anything, and nothing is taken unless the publisher was started
//! to take it.

mod counts;
mod held;
mod places;

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    body::Body,
    extract::{Path, Query, State, rejection::PathRejection},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use cedarkey_bundle::usage::{MAX_BYTES, Report};
use prometheus_client::metrics::counter::Counter;
use serde::{Deserialize, Serialize};
use tokio::{sync::Semaphore, time::timeout};

use crate::{Shared, clock::now, problem::Problem, store::Latest};

pub(crate) use counts::{Additions, Counts, additions};
pub(crate) use held::Held;
pub(crate) use places::{FIRST_LOOK, LOOK};

/// How many keys are on a page.
const PAGE: i64 = 500;

/// How many reports are written at a time, a piece each. The others wait, so that they do not take
/// the database from those who push and read.
const AT_ONCE: usize = 2;

/// How long a report waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a publisher counts of reports, and what keeps them in order.
#[derive(Debug)]
pub(crate) struct Usage {
    turns: Semaphore,
    holdings: held::Holdings,
    /// Reports that were written down.
    pub(crate) reports: Counter,
    /// Reports that had been written down before.
    pub(crate) repeated: Counter,
    /// Requests that were not counted: proxies had no room, or this publisher has none for the key.
    pub(crate) uncounted: Counter,
    /// Requests that were not counted: the bundle holds no such key.
    pub(crate) unknown: Counter,
    /// Keys that the bundle no longer holds, and of whose use nothing is known any more.
    pub(crate) forgotten: Counter,
}

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It was written down, but for what had to be left out.
    New(LeftOut),
    /// It had been before.
    Repeated,
}

/// How many requests of a report were not written down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LeftOut {
    /// There is no room for their keys.
    pub(crate) no_room: u64,
    /// The bundle holds no such keys.
    pub(crate) unknown: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    /// The last key of the page before.
    #[serde(default)]
    after: String,
}

#[derive(Serialize)]
struct Page {
    name: String,
    /// In seconds since 1970-01-01T00:00:00Z.
    now: i64,
    /// When the first report came, if one has.
    since: Option<i64>,
    keys: Vec<Known>,
    /// What to ask for next, if there is more.
    next: Option<String>,
}

/// What is known of a key.
#[derive(Serialize)]
pub(crate) struct Known {
    pub(crate) key: String,
    #[serde(flatten)]
    pub(crate) counts: Counts,
}

pub(crate) async fn post(
    State(shared): State<Arc<Shared>>,
    name: Result<Path<String>, PathRejection>,
    body: Body,
) -> Result<StatusCode, Problem> {
    let Path(name) = name?;
    shared.receive_usage(&name, body).await.inspect_err(|problem| {
        tracing::warn!(bundle = name, cause = problem.cause(), %problem, "usage report refused");
    })?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn get(
    State(shared): State<Arc<Shared>>,
    name: Result<Path<String>, PathRejection>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let Path(name) = name?;
    shared.keeps_usage()?;
    shared.require(&name).await?;
    let keys = shared.store.usage(&name, &asked.after, PAGE).await?;
    let is_full = i64::try_from(keys.len()).is_ok_and(|keys| keys >= PAGE);
    let next = keys.last().filter(|_| is_full).map(|last| last.key.clone());
    let since = shared.store.usage_since(&name).await?;
    let page = Page { name, now: now(), since, keys, next };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(page)).into_response())
}

// === impl Usage ===

impl Default for Usage {
    fn default() -> Self {
        Self {
            turns: Semaphore::new(AT_ONCE),
            holdings: held::Holdings::default(),
            reports: Counter::default(),
            repeated: Counter::default(),
            uncounted: Counter::default(),
            unknown: Counter::default(),
            forgotten: Counter::default(),
        }
    }
}

// === impl Shared ===

impl Shared {
    fn keeps_usage(&self) -> Result<&Usage, Problem> {
        self.usage.as_ref().ok_or(Problem::NoUsage)
    }

    async fn receive_usage(self: &Arc<Self>, name: &str, body: Body) -> Result<(), Problem> {
        self.keeps_usage()?;
        let mut inflow = self.intake.unknown(body);
        let report = Report::decode(inflow.whole(MAX_BYTES).await?)?;
        drop(inflow);
        let latest = self.require(name).await?;
        // A task of its own: a client that goes away does not undo half of it.
        let (shared, name) = (Arc::clone(self), name.to_owned());
        let written =
            tokio::spawn(async move { shared.write_usage(&name, &latest, &report).await });
        written.await.unwrap_or(Err(Problem::Internal))
    }

    async fn write_usage(
        &self,
        name: &str,
        latest: &Latest,
        report: &Report,
    ) -> Result<(), Problem> {
        let usage = self.keeps_usage()?;
        let turn = timeout(PATIENCE, usage.turns.acquire()).await;
        let Ok(Ok(_turn)) = turn else { return Err(Problem::Busy) };
        let held = usage.holdings.of(name, latest, &self.store).await?;
        match self.store.add_usage(name, report, &held, now()).await? {
            Taken::Repeated => {
                usage.repeated.inc();
            }
            Taken::New(left_out) => {
                let dropped = report.parts.iter().map(|part| part.dropped);
                usage.reports.inc();
                usage.uncounted.inc_by(dropped.fold(left_out.no_room, u64::saturating_add));
                usage.unknown.inc_by(left_out.unknown);
            }
        }
        Ok(())
    }
}
