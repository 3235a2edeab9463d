//! A key of the registry.

use crate::error::StoreError;
use jiff::Timestamp;
use serde::Serialize;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

/// A key: everything but its token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Key {
    /// A ULID in its text form.
    pub id: String,
    /// SHA-256 of the token, in hexadecimal digits.
    pub hash: String,
    /// The prefix of the token.
    pub prefix: String,
    /// The environment that it is for.
    pub environment: String,
    /// Who answers for it.
    pub owner: String,
    /// What it is for.
    pub purpose: String,
    /// The id of the owner's team.
    pub team: Option<String>,
    /// The id of the workload that uses it.
    pub workload: Option<String>,
    /// What it may be used for.
    pub scopes: Vec<String>,
    /// Where it may be used from; empty: anywhere.
    pub networks: Vec<String>,
    /// When it was issued.
    pub created: Timestamp,
    /// From when on it is valid.
    pub not_before: Timestamp,
    /// From when on it is no longer valid; never, if absent.
    pub expires: Option<Timestamp>,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
    /// Why it was revoked, if it was.
    pub revoke_reason: Option<String>,
}

/// What can be said of a key at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It is valid.
    Active,
    /// Its time is over.
    Expired,
    /// Its time is yet to come.
    Pending,
    /// It was revoked.
    Revoked,
}

// === impl Key ===

impl Key {
    /// What can be said of it at an instant.
    pub fn status(&self, now: Timestamp) -> Status {
        if self.revoked_at.is_some() {
            Status::Revoked
        } else if self.expires.is_some_and(|expires| now >= expires) {
            Status::Expired
        } else if now < self.not_before {
            Status::Pending
        } else {
            Status::Active
        }
    }

    pub(crate) fn from_row(row: &SqliteRow) -> Result<Self, StoreError> {
        let id: String = row.try_get("id")?;
        let malformed = |column| StoreError::Malformed { key: id.clone(), column };
        let list = |column: &'static str| {
            let json: String = row.try_get(column)?;
            serde_json::from_str::<Vec<String>>(&json).map_err(|_| malformed(column))
        };
        let instant = |column: &'static str| {
            let seconds: Option<i64> = row.try_get(column)?;
            let instant = seconds.map(Timestamp::from_second).transpose();
            instant.map_err(|_| malformed(column))
        };
        Ok(Self {
            hash: row.try_get("hash")?,
            prefix: row.try_get("prefix")?,
            environment: row.try_get("environment")?,
            owner: row.try_get("owner")?,
            purpose: row.try_get("purpose")?,
            team: row.try_get("team")?,
            workload: row.try_get("workload")?,
            scopes: list("scopes")?,
            networks: list("networks")?,
            created: instant("created")?.ok_or_else(|| malformed("created"))?,
            not_before: instant("not_before")?.ok_or_else(|| malformed("not_before"))?,
            expires: instant("expires")?,
            revoked_at: instant("revoked_at")?,
            revoke_reason: row.try_get("revoke_reason")?,
            id,
        })
    }
}
