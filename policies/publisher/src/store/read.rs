//! What is read.

use cedarkey_bundle::Digest;

use super::{Kept, Latest, Store, StoreError, Wanted, sql};
use crate::clock::now;

// === impl Store ===

impl Store {
    /// Whether bundles can be read.
    pub(crate) async fn check(&self) -> Result<(), StoreError> {
        self.in_time(async {
            sqlx::query(sql::CHECK).fetch_optional(&self.pool).await?;
            Ok(())
        })
        .await
    }

    /// The newest version of the bundle of this name.
    pub(crate) async fn latest(&self, name: &str) -> Result<Option<Latest>, StoreError> {
        self.in_time(async {
            let row = sqlx::query_as(sql::LATEST).bind(name).fetch_optional(&self.pool).await?;
            Ok(row.map(Latest::of_row))
        })
        .await
    }

    /// The newest version of every bundle, by name.
    pub(crate) async fn newest(&self) -> Result<Vec<(String, u64)>, StoreError> {
        self.in_time(async {
            let rows: Vec<(String, i64)> =
                sqlx::query_as(sql::NEWEST).fetch_all(&self.pool).await?;
            Ok(rows.into_iter().map(|(name, version)| (name, version.cast_unsigned())).collect())
        })
        .await
    }

    /// A version of the bundle of this name.
    pub(crate) async fn version(
        &self,
        name: &str,
        version: u64,
    ) -> Result<Option<Latest>, StoreError> {
        let Ok(number) = i64::try_from(version) else { return Ok(None) };
        self.in_time(async {
            let row = sqlx::query_as(sql::VERSION).bind(name).bind(number);
            let row = row.fetch_optional(&self.pool).await?;
            Ok(row.map(Latest::of_row))
        })
        .await
    }

    /// The versions that are kept of the bundle of this name, the newest first.
    pub(crate) async fn versions(&self, name: &str) -> Result<Vec<Kept>, StoreError> {
        self.in_time(async {
            let rows: Vec<(i64, i64)> =
                sqlx::query_as(sql::VERSIONS).bind(name).fetch_all(&self.pool).await?;
            let kept = |(version, pushed_at): (i64, i64)| Kept {
                version: version.cast_unsigned(),
                pushed_at,
            };
            Ok(rows.into_iter().map(kept).collect())
        })
        .await
    }

    /// The segment of this digest.
    pub(crate) async fn segment(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        self.in_time(async {
            let content = sqlx::query_scalar(sql::SEGMENT).bind(digest.0.as_slice());
            Ok(content.fetch_optional(&self.pool).await?)
        })
        .await
    }

    /// Whether the segment of this digest is to be uploaded.
    pub(crate) async fn wanted(&self, digest: &Digest) -> Result<Wanted, StoreError> {
        self.in_time(async {
            let found = sqlx::query_as(sql::WANTED).bind(digest.0.as_slice()).bind(now());
            let found: Option<(i64, i64)> = found.fetch_optional(&self.pool).await?;
            Ok(match found {
                Some((_, 1..)) => Wanted::Here,
                Some((length, _)) => {
                    length.try_into().map_or(Wanted::No, |length| Wanted::Yes { length })
                }
                None => Wanted::No,
            })
        })
        .await
    }
}
