//! A change of the registry: all of it, with its entries in the audit, or nothing.

use super::row::{KEY_COLUMNS, bind_key, key_from_row};
use crate::Registry;
use crate::audit::{Entry, Head};
use crate::change::Change;
use crate::error::{ClockError, StoreError};
use crate::key::Key;
use crate::store::Place;
use jiff::{SignedDuration, Timestamp};
use sqlx::{Any, AssertSqlSafe, Row};
use std::collections::HashMap;

/// A transaction that holds the right to write.
#[derive(Debug)]
pub(crate) struct Transaction {
    inner: sqlx::Transaction<'static, Any>,
    head: Head,
    change: Change,
    /// The instant of its entries: never before the last one's.
    at: Timestamp,
}

/// What is to be kept of one key's change.
#[derive(Debug)]
pub(crate) struct Note<'a> {
    pub(crate) action: &'a str,
    pub(crate) key: Option<&'a str>,
    pub(crate) was: Option<String>,
    pub(crate) became: Option<String>,
}

/// How far clocks of different machines may be apart.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// How many values one statement looks for, and how many rows are imported at a time.
pub(crate) const BATCH: usize = 500;

/// How many rows one statement writes. What SQLite takes for a statement grows with the square of
/// its parameters.
const ROWS: usize = 32;

const LOCK: &str = "UPDATE audit_head SET number = number WHERE one = 1 RETURNING number, at, hash";

impl Registry {
    /// Begins a change; other writers wait until it is done.
    pub(crate) async fn begin(&self, change: &Change) -> Result<Transaction, StoreError> {
        let begin = match self.place {
            Place::File(_) => "BEGIN IMMEDIATE",
            // The lock on the head makes writers take turns.
            Place::Postgres(_) => "BEGIN",
        };
        let mut inner = self.pool.begin_with(begin).await?;
        let row = sqlx::query(LOCK).fetch_optional(&mut *inner).await?;
        let row = row.ok_or(StoreError::Corrupt)?;
        let malformed =
            |_| StoreError::Malformed { key: "audit".into(), column: "instant of its head" };
        let at = Timestamp::from_second(row.try_get("at")?).map_err(malformed)?;
        let head = Head { number: row.try_get("number")?, at, hash: row.try_get("hash")? };
        Ok(Transaction { inner, at: change.now.max(at), head, change: change.clone() })
    }
}

// === impl Transaction ===

impl Transaction {
    /// The number of the last entry.
    pub(crate) fn number(&self) -> i64 {
        self.head.number
    }

    /// Whether the clock is what it must be for a change that gives somebody something. What takes
    /// something away is never refused for the clock.
    pub(crate) fn check_clock(&self) -> Result<(), ClockError> {
        let (last, now) = (self.head.at, self.change.now);
        if last.duration_since(now) > SKEW { Err(ClockError { last, now }) } else { Ok(()) }
    }

    /// Lets time go on from now, wherever the clock was before.
    pub(crate) fn accept_clock(&mut self) {
        self.at = self.change.now;
    }

    /// The keys of these ids, hashes or names that there are, by that value.
    pub(crate) async fn known(
        &mut self,
        column: Column,
        values: &[String],
    ) -> Result<HashMap<String, String>, StoreError> {
        let mut known = HashMap::new();
        for values in values.chunks(BATCH) {
            let places = places(values.len(), 1);
            let column = column.word();
            let sql = format!("SELECT id, {column} AS value FROM keys WHERE {column} IN {places}");
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for value in values {
                query = query.bind(value.clone());
            }
            for row in query.fetch_all(&mut *self.inner).await? {
                known.insert(row.try_get("value")?, row.try_get("id")?);
            }
        }
        Ok(known)
    }

    /// The keys that a condition with one parameter holds for, two of them at most.
    pub(crate) async fn find(
        &mut self,
        condition: &'static str,
        value: &str,
    ) -> Result<Vec<Key>, StoreError> {
        let sql = format!("SELECT * FROM keys WHERE {condition} ORDER BY id LIMIT 2");
        let rows = sqlx::query(AssertSqlSafe(sql)).bind(String::from(value));
        let rows = rows.fetch_all(&mut *self.inner).await?;
        rows.iter().map(key_from_row).collect()
    }

    /// All keys, in the order in which they were issued.
    pub(crate) async fn all(&mut self) -> Result<Vec<Key>, StoreError> {
        let rows =
            sqlx::query("SELECT * FROM keys ORDER BY id").fetch_all(&mut *self.inner).await?;
        rows.iter().map(key_from_row).collect()
    }

    /// Adds keys.
    pub(crate) async fn insert(&mut self, keys: &[Key], action: &str) -> Result<(), StoreError> {
        for keys in keys.chunks(ROWS) {
            let columns = KEY_COLUMNS.join(", ");
            let places = places(keys.len(), KEY_COLUMNS.len());
            let sql = format!("INSERT INTO keys ({columns}) VALUES {places}");
            let query = keys.iter().fold(sqlx::query(AssertSqlSafe(sql)), bind_key);
            query.execute(&mut *self.inner).await?;
            let note = |key| Note::of(action, None, key);
            self.keep(&keys.iter().map(note).collect::<Vec<_>>()).await?;
        }
        Ok(())
    }

    /// Changes a key.
    pub(crate) async fn update(
        &mut self,
        before: &Key,
        after: &Key,
        action: &str,
    ) -> Result<(), StoreError> {
        self.store(after).await?;
        self.keep(&[Note::of(action, Some(before), after)]).await
    }

    /// Writes a key's row, and says so nowhere.
    async fn store(&mut self, key: &Key) -> Result<(), StoreError> {
        let set: Vec<_> =
            (1..).zip(KEY_COLUMNS).skip(1).map(|(at, name)| format!("{name} = ${at}")).collect();
        let sql = format!("UPDATE keys SET {} WHERE id = $1", set.join(", "));
        bind_key(sqlx::query(AssertSqlSafe(sql)), key).execute(&mut *self.inner).await?;
        Ok(())
    }

    /// Adds entries to the audit.
    pub(crate) async fn keep(&mut self, notes: &[Note<'_>]) -> Result<(), StoreError> {
        for notes in notes.chunks(ROWS) {
            let places = places(notes.len(), 10);
            let sql = format!(
                "INSERT INTO audit (number, at, actor, action, key_id, reason, was, became,
                 previous, hash) VALUES {places}"
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for note in notes {
                let entry = Entry::follow(&self.head, self.at, &self.change, note);
                self.head = entry.head();
                query = entry.bind(query);
            }
            query.execute(&mut *self.inner).await?;
        }
        Ok(())
    }

    /// Makes it so.
    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        sqlx::query("UPDATE audit_head SET number = $1, at = $2, hash = $3 WHERE one = 1")
            .bind(self.head.number)
            .bind(self.head.at.as_second())
            .bind(self.head.hash.clone())
            .execute(&mut *self.inner)
            .await?;
        self.inner.commit().await?;
        Ok(())
    }

    pub(super) fn connection(&mut self) -> &mut sqlx::AnyConnection {
        &mut self.inner
    }

    /// Goes on for another reason.
    pub(crate) fn because(&mut self, reason: &str) {
        self.change.reason = reason.into();
    }

    /// Somebody else's change, from before there was a chain.
    pub(super) fn replay(&mut self, change: Change) {
        self.at = change.now.max(self.head.at);
        self.change = change;
    }
}

// === impl Note ===

impl<'a> Note<'a> {
    pub(crate) fn of(action: &'a str, before: Option<&Key>, after: &'a Key) -> Self {
        let was = before.map(Key::image);
        Self { action, key: Some(&after.id), was, became: Some(after.image()) }
    }
}

/// A column whose values no two keys share.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Column {
    Hash,
    Name,
}

// === impl Column ===

impl Column {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Hash => "hash",
            Self::Name => "name",
        }
    }
}

/// `($1, $2), ($3, $4)`; for one column, one list `($1, $2)`.
pub(crate) fn places(rows: usize, columns: usize) -> String {
    use std::fmt::Write;
    let mut text = String::from("(");
    for number in 1..=rows.saturating_mul(columns) {
        let separator = match number {
            1 => "",
            _ if columns > 1 && number.checked_rem(columns) == Some(1) => "), (",
            _ => ", ",
        };
        // Writing to a string never fails.
        let _ = write!(text, "{separator}${number}");
    }
    text.push(')');
    text
}

#[cfg(test)]
mod tests {
    use super::places;

    #[test]
    fn places_come_in_rows() {
        assert_eq!(places(2, 3), "($1, $2, $3), ($4, $5, $6)");
        assert_eq!(places(3, 1), "($1, $2, $3)");
    }
}
