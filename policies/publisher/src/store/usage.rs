//! What proxies have counted.

use std::collections::BTreeMap;

use cedarkey_bundle::usage::Report;
use sqlx::{Any, AnyConnection, Connection as _, Transaction};

use super::{Store, StoreError, push::settle, sql};
use crate::usage::{Additions, Counts, Known, Taken, additions};

/// Of how many keys of a bundle is told. What is counted of others is left out.
const MAX_KEYS: i64 = 250_000;

/// For how long a reporter is remembered after its last report, in seconds: so long it may go on
/// sending the same one again.
const REMEMBERED: i64 = 7 * 86_400;

/// How many keys are read and written at a time.
const CHUNK: usize = 512;

// === impl Store ===

impl Store {
    /// Adds what a report says, unless that was done before.
    pub(crate) async fn add_usage(
        &self,
        bundle: &str,
        report: &Report,
        now: i64,
    ) -> Result<Taken, StoreError> {
        self.in_time(async {
            let mut connection = self.pool.acquire().await?;
            let taken = self.try_add(&mut connection, bundle, report, now).await;
            settle(connection, taken)
        })
        .await
    }

    async fn try_add(
        &self,
        connection: &mut AnyConnection,
        bundle: &str,
        report: &Report,
        now: i64,
    ) -> Result<Taken, StoreError> {
        let mut transaction = connection.begin_with(self.dialect.begin_usage).await?;
        if !is_new(&mut transaction, bundle, report, now).await? {
            return Ok(Taken::Repeated);
        }
        let mut left_out: u64 = 0;
        let mut additions = additions(report);
        while !additions.is_empty() {
            let rest = additions.keys().nth(CHUNK).cloned();
            let rest = rest.map(|key| additions.split_off(&key)).unwrap_or_default();
            let left = self.add_some(&mut transaction, bundle, &additions, now).await?;
            left_out = left_out.saturating_add(left);
            additions = rest;
        }
        transaction.commit().await?;
        Ok(Taken::New { left_out })
    }

    /// Adds to what is known of some keys; gives how many requests were left out.
    async fn add_some(
        &self,
        transaction: &mut Transaction<'_, Any>,
        bundle: &str,
        additions: &Additions<'_>,
        now: i64,
    ) -> Result<u64, StoreError> {
        let keys = json(&additions.keys().collect::<Vec<_>>());
        let rows = sqlx::query_as(self.dialect.usage_of).bind(bundle).bind(keys);
        let rows: Vec<(String, String)> = rows.fetch_all(&mut **transaction).await?;
        let mut known: BTreeMap<String, Counts> =
            rows.into_iter().map(|(key, counts)| (key, read(&counts))).collect();
        let mut room = usize::MAX;
        if known.len() < additions.len() {
            let count = sqlx::query_scalar(sql::USAGE_KEYS).bind(bundle);
            let count: i64 = count.fetch_one(&mut **transaction).await?;
            room = usize::try_from(MAX_KEYS.saturating_sub(count)).unwrap_or_default();
        }
        let mut left_out: u64 = 0;
        for (key, rows) in additions {
            if !known.contains_key(key) {
                let Some(left) = room.checked_sub(1) else {
                    let counts = rows.iter().map(|(_, row)| u64::from(row.count));
                    left_out = counts.fold(left_out, u64::saturating_add);
                    continue;
                };
                room = left;
            }
            let counts = known.entry(key.clone()).or_default();
            rows.iter().for_each(|(part, row)| counts.add(part, row, now));
        }
        let written: Vec<(&String, String)> =
            known.iter().map(|(key, counts)| (key, json(counts))).collect();
        let put = sqlx::query(self.dialect.put_usage).bind(bundle).bind(json(&written)).bind(now);
        put.execute(&mut **transaction).await?;
        Ok(left_out)
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

/// Whether a report is later than all of its reporter; it is the last one from now on.
async fn is_new(
    transaction: &mut Transaction<'_, Any>,
    bundle: &str,
    report: &Report,
    now: i64,
) -> Result<bool, StoreError> {
    let reporter = format!("{:016x}", report.head.reporter);
    let sequence = i64::try_from(report.head.sequence).unwrap_or(i64::MAX);
    let last = sqlx::query_scalar(sql::REPORTER).bind(bundle).bind(&reporter);
    let last: Option<i64> = last.fetch_optional(&mut **transaction).await?;
    if last.is_some_and(|last| sequence <= last) {
        return Ok(false);
    }
    let put = sqlx::query(sql::PUT_REPORTER).bind(bundle).bind(reporter).bind(sequence).bind(now);
    put.execute(&mut **transaction).await?;
    if last.is_none() {
        let since = sqlx::query(sql::PUT_USAGE_SINCE).bind(bundle).bind(now);
        since.execute(&mut **transaction).await?;
        let old = now.saturating_sub(REMEMBERED);
        let delete = sqlx::query(sql::DELETE_REPORTERS).bind(bundle).bind(old);
        delete.execute(&mut **transaction).await?;
    }
    Ok(true)
}

/// What was written down. What cannot be read, as nobody has written it so, counts for nothing.
fn read(counts: &str) -> Counts {
    serde_json::from_str(counts).unwrap_or_default()
}

/// Of strings, numbers and dates, which always become JSON.
fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
