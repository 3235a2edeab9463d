//! An entry of the audit, and the hash that ties it to the one before.

use crate::change::Change;
use crate::error::StoreError;
use crate::store::Note;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, Row};

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number: 1 for the first, and one more for each.
    pub number: i64,
    /// When it was made.
    pub at: Timestamp,
    /// Who made it.
    pub actor: String,
    /// What was done, as in `revoke`.
    pub action: String,
    /// The key that it was done to, if it was one.
    pub key: Option<String>,
    /// Why; may be empty.
    pub reason: String,
    /// What the key was before, in JSON.
    pub was: Option<String>,
    /// What the key became, in JSON.
    pub became: Option<String>,
    /// The hash of the entry before.
    pub previous: String,
    /// The hash of this entry.
    pub hash: String,
}

/// The last entry of an audit: whoever knows it can tell later that nothing before it was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Head {
    /// Its number; 0 where there is none.
    pub number: i64,
    /// When it was made.
    pub at: Timestamp,
    /// Its hash, in hexadecimal digits.
    pub hash: String,
}

/// What is hashed before anything else, so that a hash cannot mean anything else.
const LABEL: &[u8] = b"cedarkey audit entry, version 1";

// === impl Entry ===

impl Entry {
    /// The entry that follows a head.
    pub(crate) fn follow(head: &Head, at: Timestamp, change: &Change, note: &Note<'_>) -> Self {
        let mut entry = Self {
            number: head.number.saturating_add(1),
            at,
            actor: change.actor.clone(),
            action: note.action.into(),
            key: note.key.map(String::from),
            reason: change.reason.trim().into(),
            was: note.was.clone(),
            became: note.became.clone(),
            previous: head.hash.clone(),
            hash: String::new(),
        };
        entry.hash = entry.computed();
        entry
    }

    /// The hash that it must have: SHA-256 over a label and all fields but the hash, each with its
    /// length before it, so that no two entries are hashed from the same bytes.
    pub fn computed(&self) -> String {
        let (number, at) = (self.number.to_string(), self.at.as_second().to_string());
        let fields = [
            Some(self.previous.as_str()),
            Some(&number),
            Some(&at),
            Some(&self.actor),
            Some(&self.action),
            self.key.as_deref(),
            Some(&self.reason),
            self.was.as_deref(),
            self.became.as_deref(),
        ];
        let mut hash = Sha256::new();
        hash.update(LABEL);
        for field in fields {
            // An absent field is not an empty one.
            let length = field.map_or(u64::MAX, |field| field.len() as u64);
            hash.update(length.to_le_bytes());
            hash.update(field.unwrap_or_default());
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// It as the last entry.
    pub fn head(&self) -> Head {
        Head { number: self.number, at: self.at, hash: self.hash.clone() }
    }

    pub(crate) fn bind<'q>(
        self,
        query: Query<'q, Any, AnyArguments>,
    ) -> Query<'q, Any, AnyArguments> {
        query
            .bind(self.number)
            .bind(self.at.as_second())
            .bind(self.actor)
            .bind(self.action)
            .bind(self.key)
            .bind(self.reason)
            .bind(self.was)
            .bind(self.became)
            .bind(self.previous)
            .bind(self.hash)
    }

    pub(crate) fn from_row(row: &AnyRow) -> Result<Self, StoreError> {
        let number: i64 = row.try_get("number")?;
        let malformed =
            |_| StoreError::Malformed { key: format!("audit entry {number}"), column: "instant" };
        Ok(Self {
            at: Timestamp::from_second(row.try_get("at")?).map_err(malformed)?,
            actor: row.try_get("actor")?,
            action: row.try_get("action")?,
            key: row.try_get("key_id")?,
            reason: row.try_get("reason")?,
            was: row.try_get("was")?,
            became: row.try_get("became")?,
            previous: row.try_get("previous")?,
            hash: row.try_get("hash")?,
            number,
        })
    }
}

/// The keys inside as JSON, not as text.
impl Serialize for Entry {
    fn serialize<S: serde::Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct View<'a> {
            number: i64,
            at: Timestamp,
            actor: &'a str,
            action: &'a str,
            key: Option<&'a str>,
            reason: &'a str,
            before: Option<Box<RawValue>>,
            after: Option<Box<RawValue>>,
            previous: &'a str,
            hash: &'a str,
        }
        let raw =
            |text: &Option<String>| text.clone().and_then(|text| RawValue::from_string(text).ok());
        let view = View {
            number: self.number,
            at: self.at,
            actor: &self.actor,
            action: &self.action,
            key: self.key.as_deref(),
            reason: &self.reason,
            before: raw(&self.was),
            after: raw(&self.became),
            previous: &self.previous,
            hash: &self.hash,
        };
        view.serialize(output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry {
            number: 1,
            at: Timestamp::UNIX_EPOCH,
            actor: "alice".into(),
            action: "issue".into(),
            key: None,
            reason: String::new(),
            was: None,
            became: None,
            previous: "0".repeat(64),
            hash: String::new(),
        }
    }

    #[test]
    fn every_field_is_hashed_and_none_runs_into_the_next() {
        let changes: [fn(&mut Entry); 10] = [
            |_| {},
            |e| e.number = 2,
            |e| e.at = Timestamp::from_second(1).unwrap(),
            |e| e.actor = "alic".into(),
            |e| (e.actor, e.action) = ("alic".into(), "eissue".into()),
            |e| e.key = Some(String::new()),
            |e| e.reason = "x".into(),
            |e| e.was = Some("x".into()),
            |e| e.became = Some("x".into()),
            |e| e.previous = "1".repeat(64),
        ];
        let hashes: std::collections::BTreeSet<_> = changes
            .iter()
            .map(|change| {
                let mut entry = entry();
                change(&mut entry);
                entry.computed()
            })
            .collect();
        assert_eq!(hashes.len(), changes.len());
    }
}
