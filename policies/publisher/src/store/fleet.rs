//! What proxies said of themselves.

use super::{Store, StoreError, sql};
use crate::fleet::{Report, Seen};

/// A row: node, filter, version, since, error, seen.
type Row = (String, Option<String>, Option<i64>, Option<i64>, Option<String>, i64);

// === impl Store ===

impl Store {
    /// Writes down what was heard, unless something later is known, and forgets what was heard
    /// before a time.
    pub(crate) async fn put_fleet(&self, heard: &[Seen], old: i64) -> Result<(), StoreError> {
        // Of strings and numbers, which always become JSON.
        let heard = serde_json::to_string(heard).unwrap_or_else(|_| "[]".into());
        self.in_time(async {
            let _turn = self.turn().await;
            sqlx::query(self.dialect.put_fleet).bind(heard).execute(&self.pool).await?;
            sqlx::query(sql::DELETE_FLEET).bind(old).execute(&self.pool).await?;
            Ok(())
        })
        .await
    }

    /// What was heard of the proxies that have a bundle, since a time.
    pub(crate) async fn fleet(&self, bundle: &str, since: i64) -> Result<Vec<Seen>, StoreError> {
        self.in_time(async {
            let rows = sqlx::query_as(sql::FLEET).bind(bundle).bind(since);
            let rows: Vec<Row> = rows.fetch_all(&self.pool).await?;
            let seen = |(node, filter, version, since, error, seen): Row| {
                let report = Report { node, filter, version, since, error };
                Seen { bundle: bundle.to_owned(), report, seen }
            };
            Ok(rows.into_iter().map(seen).collect())
        })
        .await
    }
}
