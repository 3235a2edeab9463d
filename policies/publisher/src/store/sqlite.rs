//! The store in SQLite.

mod open;
mod push;

use cedarkey_bundle::Digest;
use sqlx::SqlitePool;

use super::{Kept, Latest, StoreError, sql};
use crate::clock::now;

/// Bundles and segments.
#[derive(Debug)]
pub(crate) struct Store {
    pool: SqlitePool,
}

// === impl Store ===

impl Store {
    /// Whether bundles can be read.
    pub(crate) async fn check(&self) -> Result<(), StoreError> {
        sqlx::query(sql::CHECK).fetch_optional(&self.pool).await?;
        Ok(())
    }

    /// The newest version of the bundle of this name.
    pub(crate) async fn latest(&self, name: &str) -> Result<Option<Latest>, StoreError> {
        let row: Option<(i64, Vec<u8>)> =
            sqlx::query_as(sql::LATEST).bind(name).fetch_optional(&self.pool).await?;
        Ok(row.map(|(version, envelope)| Latest::new(version.cast_unsigned(), envelope)))
    }

    /// A version of the bundle of this name.
    pub(crate) async fn version(
        &self,
        name: &str,
        version: u64,
    ) -> Result<Option<Latest>, StoreError> {
        let Ok(number) = i64::try_from(version) else { return Ok(None) };
        let row = sqlx::query_as(sql::VERSION).bind(name).bind(number);
        let row: Option<(i64, Vec<u8>)> = row.fetch_optional(&self.pool).await?;
        Ok(row.map(|(_, envelope)| Latest::new(version, envelope)))
    }

    /// The versions that are kept of the bundle of this name, the newest first.
    pub(crate) async fn versions(&self, name: &str) -> Result<Vec<Kept>, StoreError> {
        let rows = sqlx::query_as(sql::VERSIONS).bind(name);
        let rows: Vec<(i64, i64)> = rows.fetch_all(&self.pool).await?;
        let kept =
            |(version, pushed_at): (i64, i64)| Kept { version: version.cast_unsigned(), pushed_at };
        Ok(rows.into_iter().map(kept).collect())
    }

    /// The segment of this digest.
    pub(crate) async fn segment(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        let content = sqlx::query_scalar(sql::SEGMENT).bind(digest.0.as_slice());
        Ok(content.fetch_optional(&self.pool).await?)
    }

    /// The length of the segment of this digest, if it may be uploaded.
    pub(crate) async fn wanted(&self, digest: &Digest) -> Result<Option<usize>, StoreError> {
        let length = sqlx::query_scalar(sql::WANTED).bind(digest.0.as_slice()).bind(now());
        let length: Option<i64> = length.fetch_optional(&self.pool).await?;
        Ok(length.and_then(|length| length.try_into().ok()))
    }

    /// Stores a segment that has this digest.
    pub(crate) async fn put_segment(
        &self,
        digest: &Digest,
        content: &[u8],
    ) -> Result<(), StoreError> {
        let insert = sqlx::query(sql::INSERT_SEGMENT).bind(digest.0.as_slice()).bind(content);
        insert.execute(&self.pool).await?;
        Ok(())
    }

    /// Ends all connections, and with them the files beside the database.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}
