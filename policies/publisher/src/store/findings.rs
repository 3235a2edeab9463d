//! Leaked tokens that were found.

use sqlx::{AnyConnection, Connection as _};

use super::{Store, StoreError, push::settle, refs, sql};
use crate::findings::{Delivered, Delivery, Finding, Open};

/// How many findings of a bundle wait for an answer at most.
const MAX_OPEN: i64 = 20_000;

/// For how long a delivery is remembered, in seconds.
const REMEMBERED: i64 = 90 * 24 * 3600;

/// How many deliveries are remembered at most.
const MAX_DELIVERIES: i64 = 100_000;

/// A row: id, hash, kind, url, source, received.
type Row = (i64, Vec<u8>, String, String, String, i64);

// === impl Store ===

impl Store {
    /// Stores what was found, unless it was delivered before: all of it, or nothing.
    pub(crate) async fn put_findings(
        &self,
        delivery: &Delivery,
        now: i64,
    ) -> Result<Delivered, StoreError> {
        self.in_time(async {
            let _turn = self.turn().await;
            let mut connection = self.pool.acquire().await?;
            let delivered = self.try_put_findings(&mut connection, delivery, now).await;
            settle(connection, delivered)
        })
        .await
    }

    async fn try_put_findings(
        &self,
        connection: &mut AnyConnection,
        Delivery { bundle, digest, findings }: &Delivery,
        now: i64,
    ) -> Result<Delivered, StoreError> {
        let mut transaction = connection.begin_with(self.dialect.begin_beside).await?;
        let old = sqlx::query(sql::FORGET_DELIVERIES).bind(now.saturating_sub(REMEMBERED));
        old.bind(MAX_DELIVERIES).execute(&mut *transaction).await?;
        let insert = sqlx::query(sql::INSERT_DELIVERY).bind(bundle).bind(digest.0.as_slice());
        let inserted = insert.bind(now).execute(&mut *transaction).await?;
        if inserted.rows_affected() == 0 {
            return Ok(Delivered::Known);
        }
        // Of strings, which always become JSON.
        let found = serde_json::to_string(findings).unwrap_or_else(|_| "[]".into());
        let insert = sqlx::query(self.dialect.insert_findings).bind(found).bind(bundle).bind(now);
        let stored = insert.execute(&mut *transaction).await?.rows_affected();
        let open: i64 = sqlx::query_scalar(sql::COUNT_FINDINGS)
            .bind(bundle)
            .fetch_one(&mut *transaction)
            .await?;
        if open > MAX_OPEN {
            return Ok(Delivered::Full);
        }
        transaction.commit().await?;
        Ok(Delivered::New { stored })
    }

    /// What was found of a bundle's tokens and is not answered, the oldest first.
    pub(crate) async fn findings(
        &self,
        bundle: &str,
        limit: usize,
    ) -> Result<Vec<Open>, StoreError> {
        self.in_time(async {
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = sqlx::query_as(sql::FINDINGS).bind(bundle).bind(limit);
            let rows: Vec<Row> = rows.fetch_all(&self.pool).await?;
            let open = |(id, hash, kind, url, source, received): Row| {
                let hash = refs::digest(&hash)?.to_string();
                Some(Open { id, finding: Finding { hash, kind, url, source }, received })
            };
            Ok(rows.into_iter().filter_map(open).collect())
        })
        .await
    }

    /// Forgets findings that were answered; how many there were.
    pub(crate) async fn delete_findings(
        &self,
        bundle: &str,
        ids: &[i64],
    ) -> Result<u64, StoreError> {
        // Of numbers, which always become JSON.
        let ids = serde_json::to_string(ids).unwrap_or_else(|_| "[]".into());
        self.in_time(async {
            let _turn = self.turn().await;
            let delete = sqlx::query(self.dialect.delete_findings).bind(ids).bind(bundle);
            Ok(delete.execute(&self.pool).await?.rows_affected())
        })
        .await
    }
}
