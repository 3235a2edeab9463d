//! `GET /v1/fleet/{name}`: which proxy has which version of a bundle in force.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    http::header,
    response::{IntoResponse as _, Response},
};
use cedarkey_bundle::Envelope;
use serde::Serialize;

use super::{REMEMBERED, SILENT, Seen};
use crate::{Shared, clock::now, problem::Problem, store::StoreError};

/// All times are in seconds since 1970-01-01T00:00:00Z.
#[derive(Serialize)]
struct View {
    name: String,
    now: i64,
    newest: Version,
    proxies: Vec<Proxy>,
    /// How many reports this publisher had no room for since it was started.
    unrecorded: u64,
    /// Whether the database could not be asked, so that what others were told is missing.
    partial: bool,
}

#[derive(Clone, Copy, Serialize)]
struct Version {
    version: i64,
    pushed: Option<i64>,
    expires: Option<i64>,
}

#[derive(Serialize)]
struct Proxy {
    node: String,
    filter: Option<String>,
    version: Option<i64>,
    since: Option<i64>,
    seen: i64,
    error: Option<String>,
    /// For how many seconds there has been a newer version than the one it has.
    behind: Option<i64>,
    state: Condition,
}

/// The first that applies.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum Condition {
    /// It has not been heard of for three minutes.
    Silent,
    /// It has no bundle in force.
    Empty,
    /// What it has in force has expired.
    Stale,
    /// It did not take the last bundle that it was given.
    Failing,
    /// There is a newer version.
    Behind,
    /// It has a version that this publisher never had.
    Ahead,
    /// It has the newest version.
    Current,
}

pub(crate) async fn get(
    State(shared): State<Arc<Shared>>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let Path(name) = name?;
    let view = shared.view(name).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(view)).into_response())
}

// === impl Shared ===

impl Shared {
    async fn view(&self, name: String) -> Result<View, Problem> {
        let latest = self.require(&name).await?;
        let now = now();
        let (own, unrecorded) = self.fleet.of(&name);
        let theirs = self.store.fleet(&name, now.saturating_sub(REMEMBERED)).await;
        let pushed = self.store.versions(&name).await;
        let partial = theirs.is_err() || pushed.is_err();
        let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
        for one in theirs.unwrap_or_default().into_iter().chain(own) {
            match seen.get(&one.report.node) {
                Some(other) if other.seen > one.seen => {}
                _ => drop(seen.insert(one.report.node.clone(), one)),
            }
        }
        let versions = self.versions_of(&name, pushed.unwrap_or_default(), &seen).await;
        let number = latest.version.cast_signed();
        let newest = versions.get(&number).copied().unwrap_or(Version {
            version: number,
            pushed: None,
            expires: expiry(&latest.envelope),
        });
        let proxies = seen.into_values().map(|seen| proxy(seen, now, newest, &versions)).collect();
        Ok(View { name, now, newest, proxies, unrecorded, partial })
    }

    /// The versions that are kept; when they expire, of those that some proxy has.
    async fn versions_of(
        &self,
        name: &str,
        kept: Vec<crate::store::Kept>,
        seen: &BTreeMap<String, Seen>,
    ) -> BTreeMap<i64, Version> {
        let mut versions = BTreeMap::new();
        let first = kept.first().map(|kept| kept.version);
        for kept in kept {
            let version = kept.version.cast_signed();
            let used = seen.values().any(|seen| seen.report.version == Some(version));
            let mut expires = None;
            if used || first == Some(kept.version) {
                let found: Result<_, StoreError> = self.store.version(name, kept.version).await;
                expires = found.ok().flatten().and_then(|found| expiry(&found.envelope));
            }
            let pushed = Some(kept.pushed_at);
            versions.insert(version, Version { version, pushed, expires });
        }
        versions
    }
}

fn expiry(envelope: &[u8]) -> Option<i64> {
    Some(Envelope::decode_whole(envelope).ok()?.manifest().expires)
}

fn proxy(seen: Seen, now: i64, newest: Version, versions: &BTreeMap<i64, Version>) -> Proxy {
    let Seen { report, seen, .. } = seen;
    // The version after the one in force: since it was pushed, there has been something newer.
    let next = report.version.and_then(|version| {
        versions.values().find(|other| other.version > version).and_then(|next| next.pushed)
    });
    let behind = next.map(|pushed| now.saturating_sub(pushed).max(0));
    let expired = report.version.and_then(|version| versions.get(&version)?.expires);
    let state = match report.version {
        _ if seen < now.saturating_sub(SILENT) => Condition::Silent,
        None => Condition::Empty,
        Some(_) if expired.is_some_and(|expires| expires <= now) => Condition::Stale,
        Some(_) if report.error.is_some() => Condition::Failing,
        Some(version) if version < newest.version => Condition::Behind,
        Some(version) if version > newest.version => Condition::Ahead,
        Some(_) => Condition::Current,
    };
    let super::Report { node, filter, version, since, error } = report;
    Proxy { node, filter, version, since, seen, error, behind, state }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::Report;

    #[test]
    fn the_state_of_a_proxy_is_the_worst_that_applies() {
        let now = 10_000;
        let version = |version, pushed, expires| {
            let (pushed, expires) = (Some(pushed), Some(expires));
            (version, Version { version, pushed, expires })
        };
        let versions = BTreeMap::from([
            version(3, 1000, 9000),
            version(5, 2000, 20_000),
            version(7, 9500, 20_000),
        ]);
        let state = |version: Option<i64>, error: Option<&str>, seen| {
            let error = error.map(String::from);
            let report = Report { node: "a".into(), filter: None, version, since: version, error };
            let seen = Seen { bundle: "shop".into(), report, seen };
            let proxy = proxy(seen, now, versions[&7], &versions);
            (serde_json::to_value(proxy.state).unwrap(), proxy.behind)
        };
        for (found, expected, behind) in [
            (state(Some(7), None, now), "current", None),
            (state(Some(9), None, now), "ahead", None),
            (state(Some(5), None, now), "behind", Some(500)),
            (state(Some(6), None, now), "behind", Some(500)),
            (state(Some(7), Some("unreachable"), now), "failing", None),
            (state(Some(3), Some("expired"), now), "stale", Some(8000)),
            (state(None, Some("expired"), now), "empty", None),
            (state(Some(7), None, now - SILENT - 1), "silent", None),
        ] {
            assert_eq!(found, (expected.into(), behind));
        }
    }
}
