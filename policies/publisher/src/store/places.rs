//! Of which keys something is known, and room for others.

use super::{Store, StoreError, sql};

/// How many keys are changed at a time.
const PIECE: usize = 1_000;

// === impl Store ===

impl Store {
    /// The keys of whose use something is known, in no order, each with since when it is gone, or 0.
    pub(crate) async fn usage_places(
        &self,
        bundle: &str,
    ) -> Result<Vec<(String, i64)>, StoreError> {
        self.in_time(async {
            let places = sqlx::query_as(sql::USAGE_PLACES).bind(bundle);
            Ok(places.fetch_all(&self.pool).await?)
        })
        .await
    }

    /// Says since when keys are gone; 0, where they are not any more.
    pub(crate) async fn mark_usage(
        &self,
        bundle: &str,
        keys: &[String],
        gone: i64,
    ) -> Result<(), StoreError> {
        for piece in keys.chunks(PIECE) {
            self.in_time(async {
                let _turn = self.turn().await;
                let mark = sqlx::query(self.dialect.mark_usage).bind(bundle).bind(json(piece));
                mark.bind(gone).execute(&self.pool).await?;
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    /// Forgets what is known of the use of keys.
    pub(crate) async fn forget_usage(
        &self,
        bundle: &str,
        keys: &[String],
    ) -> Result<(), StoreError> {
        for piece in keys.chunks(PIECE) {
            self.in_time(async {
                let _turn = self.turn().await;
                let forget = sqlx::query(self.dialect.forget_usage).bind(bundle).bind(json(piece));
                forget.execute(&self.pool).await?;
                Ok(())
            })
            .await?;
        }
        Ok(())
    }
}

/// Of strings, which always become JSON.
fn json(keys: &[String]) -> String {
    serde_json::to_string(keys).unwrap_or_default()
}
