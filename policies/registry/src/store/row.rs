//! Keys as rows.

use crate::error::StoreError;
use crate::key::{Key, State};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, Row};

/// The columns of a key, in the order of [`bind_key`].
pub(super) const KEY_COLUMNS: [&str; 26] = [
    "id",
    "name",
    "hash",
    "prefix",
    "environment",
    "owner",
    "purpose",
    "team",
    "workload",
    "scopes",
    "networks",
    "spiffe_ids",
    "labels",
    "created",
    "not_before",
    "expires",
    "review_by",
    "state",
    "since",
    "reason",
    "requested_by",
    "approver",
    "replaces",
    "replaced_by",
    "waiting",
    "decoy",
];

/// Binds a key's columns.
pub(super) fn bind_key<'q>(
    query: Query<'q, Any, AnyArguments>,
    key: &Key,
) -> Query<'q, Any, AnyArguments> {
    let list = |list: &[String]| serde_json::Value::from(list).to_string();
    query
        .bind(key.id.clone())
        .bind(key.name.clone())
        .bind(key.hash.clone())
        .bind(key.prefix.clone())
        .bind(key.environment.clone())
        .bind(key.owner.clone())
        .bind(key.purpose.clone())
        .bind(key.team.clone())
        .bind(key.workload.clone())
        .bind(list(&key.scopes))
        .bind(list(&key.networks))
        .bind(list(&key.spiffe_ids))
        .bind(serde_json::json!(key.labels).to_string())
        .bind(key.created.as_second())
        .bind(key.not_before.as_second())
        .bind(key.expires.map(Timestamp::as_second))
        .bind(key.review_by.map(Timestamp::as_second))
        .bind(String::from(key.state.word()))
        .bind(key.since.as_second())
        .bind(key.reason.clone())
        .bind(key.requested_by.clone())
        .bind(key.approver.clone())
        .bind(key.replaces.clone())
        .bind(key.replaced_by.clone())
        .bind(key.waiting.as_ref().map(|waiting| serde_json::json!(waiting).to_string()))
        .bind(i64::from(key.decoy))
}

/// Reads a key from a row of the table `keys`.
pub(crate) fn key_from_row(row: &AnyRow) -> Result<Key, StoreError> {
    let id: String = row.try_get("id")?;
    let malformed = |column| StoreError::Malformed { key: id.clone(), column };
    let instant = |column: &'static str| {
        let seconds: Option<i64> = row.try_get(column)?;
        seconds.map(Timestamp::from_second).transpose().map_err(|_| malformed(column))
    };
    let required = |column: &'static str| instant(column)?.ok_or_else(|| malformed(column));
    let state: String = row.try_get("state")?;
    let waiting: Option<String> = row.try_get("waiting")?;
    let waiting = waiting.map(|text| serde_json::from_str(&text)).transpose();
    Ok(Key {
        name: row.try_get("name")?,
        hash: row.try_get("hash")?,
        prefix: row.try_get("prefix")?,
        environment: row.try_get("environment")?,
        owner: row.try_get("owner")?,
        purpose: row.try_get("purpose")?,
        team: row.try_get("team")?,
        workload: row.try_get("workload")?,
        scopes: json(row, "scopes")?.ok_or_else(|| malformed("scopes"))?,
        networks: json(row, "networks")?.ok_or_else(|| malformed("networks"))?,
        spiffe_ids: json(row, "spiffe_ids")?.ok_or_else(|| malformed("spiffe_ids"))?,
        labels: json(row, "labels")?.ok_or_else(|| malformed("labels"))?,
        created: required("created")?,
        not_before: required("not_before")?,
        expires: instant("expires")?,
        review_by: instant("review_by")?,
        state: State::parse(&state).ok_or_else(|| malformed("state"))?,
        since: required("since")?,
        reason: row.try_get("reason")?,
        requested_by: row.try_get("requested_by")?,
        approver: row.try_get("approver")?,
        replaces: row.try_get("replaces")?,
        replaced_by: row.try_get("replaced_by")?,
        waiting: waiting.map_err(|_| malformed("waiting"))?,
        decoy: row.try_get::<i64, _>("decoy")? != 0,
        id,
    })
}

/// The value of a column of JSON; none where it is malformed.
fn json<T: DeserializeOwned>(row: &AnyRow, column: &str) -> Result<Option<T>, StoreError> {
    let text: String = row.try_get(column)?;
    Ok(serde_json::from_str(&text).ok())
}
