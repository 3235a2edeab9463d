//! What proxies have counted.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use cedarkey_bundle::usage::{Part, Report, Row};
use cedarkey_engine::key::KeyId;
use sqlx::{Any, AnyConnection, Connection as _, Transaction};

use super::{Store, StoreError, push::settle, sql};
use crate::usage::{Additions, Counts, Held, Known, LeftOut, Taken, additions};

/// Of how many keys of a bundle is told. What is counted of others is left out.
pub(crate) const MAX_KEYS: usize = 250_000;

/// For how long a reporter is remembered after its last report, in seconds: so long it may go on
/// sending the same one again.
const REMEMBERED: i64 = 7 * 86_400;

/// How many keys are read and written at a time. Whoever else writes waits for one such piece at
/// most, or two.
const PIECE: usize = 256;

/// A report, and what it is added to.
struct Adding<'a> {
    bundle: &'a str,
    report: &'a Report,
    additions: Additions<'a>,
    now: i64,
    /// For how many keys more there is room.
    room: usize,
    left_out: LeftOut,
}

/// How much of a report is written down.
#[derive(Debug, PartialEq, Eq)]
enum Written {
    All,
    None,
    /// What is said of the keys up to this one.
    UpTo(String),
}

// === impl Store ===

impl Store {
    /// Adds what a report says of keys that the bundle holds, or of which something is known already,
    /// unless that was done before.
    ///
    /// It is done a piece at a time, in the order of keys, with how far it has come: what breaks off
    /// goes on where it was when the report comes again, and nothing counts twice.
    pub(crate) async fn add_usage(
        &self,
        bundle: &str,
        report: &Report,
        held: &Held,
        now: i64,
    ) -> Result<Taken, StoreError> {
        let mut adding = self.prepare(bundle, report, held, now).await?;
        let Some(mut is_whole) = self.add_piece(&mut adding).await? else {
            return Ok(Taken::Repeated);
        };
        while !is_whole {
            // If not by us, then by who was given the same report.
            is_whole = self.add_piece(&mut adding).await?.unwrap_or(true);
        }
        Ok(Taken::New(adding.left_out))
    }

    /// Leaves out what is of no key, and counts how many more there is room for: beforehand, for others
    /// write meanwhile.
    async fn prepare<'a>(
        &self,
        bundle: &'a str,
        report: &'a Report,
        held: &Held,
        now: i64,
    ) -> Result<Adding<'a>, StoreError> {
        let mut additions = additions(report);
        let mut known = BTreeSet::new();
        for keys in additions.keys().collect::<Vec<_>>().chunks(PIECE) {
            known.extend(self.known_of(bundle, &json(&keys)).await?);
        }
        let mut left_out = LeftOut::default();
        additions.retain(|key, rows| {
            let is_held = || rows.first().is_some_and(|(_, row)| held.has(KeyId(row.key)));
            let is_one = known.contains(key) || is_held();
            if !is_one {
                left_out.unknown = left_out.unknown.saturating_add(requests(rows));
            }
            is_one
        });
        let room = match additions.len() > known.len() {
            true => MAX_KEYS.saturating_sub(self.count_of(bundle).await?),
            false => 0,
        };
        Ok(Adding { bundle, report, additions, now, room, left_out })
    }

    async fn known_of(&self, bundle: &str, keys: &str) -> Result<Vec<String>, StoreError> {
        self.in_time(async {
            let keys = sqlx::query_scalar(self.dialect.usage_keys_of).bind(bundle).bind(keys);
            Ok(keys.fetch_all(&self.pool).await?)
        })
        .await
    }

    async fn count_of(&self, bundle: &str) -> Result<usize, StoreError> {
        self.in_time(async {
            let count = sqlx::query_scalar(sql::USAGE_KEYS).bind(bundle);
            let count: i64 = count.fetch_one(&self.pool).await?;
            Ok(usize::try_from(count).unwrap_or(usize::MAX))
        })
        .await
    }

    /// Adds the next piece; gives whether it was the last one. Nothing, where the whole report was
    /// written down already.
    async fn add_piece(&self, adding: &mut Adding<'_>) -> Result<Option<bool>, StoreError> {
        self.in_time(async {
            let _turn = self.turn().await;
            let mut connection = self.pool.acquire().await?;
            let added = self.try_add_piece(&mut connection, adding).await;
            settle(connection, added)
        })
        .await
    }

    async fn try_add_piece(
        &self,
        connection: &mut AnyConnection,
        adding: &mut Adding<'_>,
    ) -> Result<Option<bool>, StoreError> {
        let mut transaction = connection.begin_with(self.dialect.begin_usage).await?;
        let from = match adding.written(&mut transaction).await? {
            Written::All => return Ok(None),
            Written::None => Bound::Unbounded,
            Written::UpTo(key) => Bound::Excluded(key),
        };
        let mut rest = adding.additions.range((from, Bound::Unbounded));
        let piece: Vec<_> = rest.by_ref().take(PIECE).collect();
        let is_last = rest.next().is_none();
        let last = piece.last().map(|(key, _)| key.as_str()).filter(|_| !is_last);
        adding.note(&mut transaction, last.unwrap_or_default()).await?;
        let (room, no_room) = self.add_some(&mut transaction, adding, &piece).await?;
        transaction.commit().await?;
        adding.room = room;
        adding.left_out.no_room = adding.left_out.no_room.saturating_add(no_room);
        Ok(Some(is_last))
    }

    /// Adds to what is known of some keys; gives for how many there is room then, and how many requests
    /// were left out.
    async fn add_some(
        &self,
        transaction: &mut Transaction<'_, Any>,
        adding: &Adding<'_>,
        piece: &[(&String, &Vec<(&Part, &Row)>)],
    ) -> Result<(usize, u64), StoreError> {
        let Adding { bundle, now, mut room, .. } = *adding;
        let keys = json(&piece.iter().map(|(key, _)| key).collect::<Vec<_>>());
        let rows = sqlx::query_as(self.dialect.usage_of).bind(bundle).bind(keys);
        let rows: Vec<(String, String)> = rows.fetch_all(&mut **transaction).await?;
        let mut known: BTreeMap<String, Counts> =
            rows.into_iter().map(|(key, counts)| (key, read(&counts))).collect();
        let mut no_room: u64 = 0;
        for (key, rows) in piece {
            if !known.contains_key(*key) {
                let Some(left) = room.checked_sub(1) else {
                    no_room = no_room.saturating_add(requests(rows));
                    continue;
                };
                room = left;
            }
            let counts = known.entry((*key).clone()).or_default();
            rows.iter().for_each(|(part, row)| counts.add(part, row, now));
        }
        let written: Vec<(&String, String)> =
            known.iter().map(|(key, counts)| (key, json(counts))).collect();
        let put = sqlx::query(self.dialect.put_usage).bind(bundle).bind(json(&written)).bind(now);
        put.execute(&mut **transaction).await?;
        Ok((room, no_room))
    }

    /// Since when something is known, if anything is.
    pub(crate) async fn usage_since(&self, bundle: &str) -> Result<Option<i64>, StoreError> {
        self.in_time(async {
            let since = sqlx::query_scalar(sql::USAGE_SINCE).bind(bundle);
            Ok(since.fetch_optional(&self.pool).await?)
        })
        .await
    }

    /// What is known of the use of keys, by key, from the first after one.
    pub(crate) async fn usage(
        &self,
        bundle: &str,
        after: &str,
        most: i64,
    ) -> Result<Vec<Known>, StoreError> {
        self.in_time(async {
            let rows = sqlx::query_as(sql::USAGE).bind(bundle).bind(after).bind(most);
            let rows: Vec<(String, String)> = rows.fetch_all(&self.pool).await?;
            let known = |(key, counts): (String, String)| Known { key, counts: read(&counts) };
            Ok(rows.into_iter().map(known).collect())
        })
        .await
    }
}

/// How many requests rows speak of.
fn requests(rows: &[(&Part, &Row)]) -> u64 {
    rows.iter().map(|(_, row)| u64::from(row.count)).fold(0, u64::saturating_add)
}

// === impl Adding ===

impl Adding<'_> {
    fn reporter(&self) -> String {
        format!("{:016x}", self.report.head.reporter)
    }

    fn sequence(&self) -> i64 {
        i64::try_from(self.report.head.sequence).unwrap_or(i64::MAX)
    }

    /// How much of the report is written down.
    async fn written(&self, transaction: &mut Transaction<'_, Any>) -> Result<Written, StoreError> {
        let last = sqlx::query_as(sql::REPORTER).bind(self.bundle).bind(self.reporter());
        let last: Option<(i64, String)> = last.fetch_optional(&mut **transaction).await?;
        let Some((sequence, written)) = last else {
            self.begin(transaction).await?;
            return Ok(Written::None);
        };
        Ok(match self.sequence().cmp(&sequence) {
            // The rest of one before is not coming any more.
            Ordering::Greater => Written::None,
            Ordering::Equal if !written.is_empty() => Written::UpTo(written),
            Ordering::Equal | Ordering::Less => Written::All,
        })
    }

    /// For a reporter that nobody knows yet.
    async fn begin(&self, transaction: &mut Transaction<'_, Any>) -> Result<(), StoreError> {
        let since = sqlx::query(sql::PUT_USAGE_SINCE).bind(self.bundle).bind(self.now);
        since.execute(&mut **transaction).await?;
        let old = self.now.saturating_sub(REMEMBERED);
        let delete = sqlx::query(sql::DELETE_REPORTERS).bind(self.bundle).bind(old);
        delete.execute(&mut **transaction).await?;
        Ok(())
    }

    /// Notes that the report is written down up to a key; all of it, where that is empty.
    async fn note(
        &self,
        transaction: &mut Transaction<'_, Any>,
        written: &str,
    ) -> Result<(), StoreError> {
        let put = sqlx::query(sql::PUT_REPORTER).bind(self.bundle).bind(self.reporter());
        let put = put.bind(self.sequence()).bind(written).bind(self.now);
        put.execute(&mut **transaction).await?;
        Ok(())
    }
}

/// What was written down. What cannot be read, as nobody has written it so, counts for nothing.
fn read(counts: &str) -> Counts {
    serde_json::from_str(counts).unwrap_or_default()
}

/// Of strings, numbers and dates, which always become JSON.
fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests;
