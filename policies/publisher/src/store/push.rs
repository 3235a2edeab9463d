//! What is written: a segment at a time, and the two steps of a push that must not run beside
//! another's.

use std::num::NonZeroU32;

use cedarkey_bundle::{Digest, Manifest};
use sqlx::{Any, AnyConnection, Connection as _, Transaction, pool::PoolConnection};

use super::{Announced, Latest, Push, Pushed, Refs, Store, StoreError, refs, sql};

// === impl Store ===

impl Store {
    /// Stores a segment that has this digest.
    pub(crate) async fn put_segment(
        &self,
        digest: &Digest,
        content: &[u8],
    ) -> Result<(), StoreError> {
        self.in_time(async {
            let _turn = self.turn().await;
            let insert = sqlx::query(sql::INSERT_SEGMENT).bind(digest.0.as_slice()).bind(content);
            insert.execute(&self.pool).await?;
            Ok(())
        })
        .await
    }

    /// Says which segments are missing, and takes them and keeps the others until a time.
    pub(crate) async fn announce(
        &self,
        manifest: &Manifest,
        refs: &Refs,
        until: i64,
    ) -> Result<Announced, StoreError> {
        self.in_time(async {
            let _turn = self.turn().await;
            let mut connection = self.pool.acquire().await?;
            let announced = self.try_announce(&mut connection, manifest, refs, until).await;
            settle(connection, announced)
        })
        .await
    }

    async fn try_announce(
        &self,
        connection: &mut AnyConnection,
        manifest: &Manifest,
        refs: &Refs,
        until: i64,
    ) -> Result<Announced, StoreError> {
        let mut transaction = connection.begin_with(self.dialect.begin).await?;
        if let Some(current) = newer(&mut transaction, manifest).await? {
            return Ok(Announced::NotAbove { current });
        }
        let wanted = sqlx::query(self.dialect.insert_wanted).bind(refs.as_json()).bind(until);
        wanted.execute(&mut *transaction).await?;
        let missing = self.missing(&mut transaction, refs).await?;
        transaction.commit().await?;
        Ok(Announced::Missing(missing))
    }

    /// Stores a bundle, if its version is above all others of its name and all of it is there.
    /// Of its versions the newest `keep` remain, and of segments those that are of use.
    pub(crate) async fn push(
        &self,
        push: Push,
        now: i64,
        keep: NonZeroU32,
    ) -> Result<Pushed, StoreError> {
        self.in_time(async {
            let _turn = self.turn().await;
            let mut connection = self.pool.acquire().await?;
            let pushed = self.try_push(&mut connection, push, now, keep).await;
            settle(connection, pushed)
        })
        .await
    }

    async fn try_push(
        &self,
        connection: &mut AnyConnection,
        push: Push,
        now: i64,
        keep: NonZeroU32,
    ) -> Result<Pushed, StoreError> {
        let manifest = push.envelope.manifest();
        let refs = Refs::of(manifest);
        let mut transaction = connection.begin_with(self.dialect.begin).await?;
        if let Some(current) = newer(&mut transaction, manifest).await? {
            return Ok(Pushed::NotAbove { current });
        }
        if let Some(condition) = &push.condition {
            let latest = sqlx::query_as(sql::LATEST).bind(&manifest.name);
            let latest = latest.fetch_optional(&mut *transaction).await?;
            if !condition.is_met(latest.map(Latest::of_row).as_ref()) {
                return Ok(Pushed::Unexpected);
            }
        }
        if let Some(segments) = &push.segments {
            insert_segments(&mut transaction, manifest, segments).await?;
        }
        let missing = self.missing(&mut transaction, &refs).await?;
        if let Some(first) = missing.first() {
            return Ok(Pushed::Incomplete { missing: missing.len(), first: *first });
        }
        let envelope = push.envelope.encode();
        sqlx::query(sql::INSERT_BUNDLE)
            .bind(&manifest.name)
            .bind(number(manifest)?)
            .bind(&envelope)
            .bind(now)
            .execute(&mut *transaction)
            .await?;
        insert_parts(&mut transaction, self.dialect.insert_parts, manifest, &refs).await?;
        tidy(&mut transaction, manifest, now, keep).await?;
        transaction.commit().await?;
        Ok(Pushed::Stored(Latest::new(manifest.version, envelope)))
    }

    async fn missing(
        &self,
        transaction: &mut Transaction<'_, Any>,
        refs: &Refs,
    ) -> Result<Vec<Digest>, StoreError> {
        let missing = sqlx::query_scalar(self.dialect.missing).bind(refs.as_json());
        let missing: Vec<Vec<u8>> = missing.fetch_all(&mut **transaction).await?;
        Ok(missing.iter().filter_map(|bytes| refs::digest(bytes)).collect())
    }
}

/// A connection on which something failed is given up: whether it is still within a transaction is
/// known to nobody. SQLite ends one by itself when the disk is full, and PostgreSQL does not when
/// it cannot lock the table.
pub(super) fn settle<T>(
    mut connection: PoolConnection<Any>,
    result: Result<T, StoreError>,
) -> Result<T, StoreError> {
    if result.is_err() {
        connection.close_on_drop();
    }
    result
}

/// A version as the database has it.
fn number(manifest: &Manifest) -> Result<i64, StoreError> {
    i64::try_from(manifest.version).map_err(|_| StoreError::VersionTooLarge)
}

/// The version that is in force, if the manifest's is not above it.
async fn newer(
    transaction: &mut Transaction<'_, Any>,
    manifest: &Manifest,
) -> Result<Option<u64>, StoreError> {
    let version = number(manifest)?;
    let current = sqlx::query_scalar(sql::CURRENT).bind(&manifest.name);
    let current: Option<i64> = current.fetch_one(&mut **transaction).await?;
    Ok(current.filter(|current| version <= *current).map(i64::cast_unsigned))
}

async fn insert_segments(
    transaction: &mut Transaction<'_, Any>,
    manifest: &Manifest,
    segments: &[Vec<u8>],
) -> Result<(), StoreError> {
    for (segment, content) in manifest.segments.iter().zip(segments) {
        let insert = sqlx::query(sql::INSERT_SEGMENT).bind(segment.digest.0.as_slice());
        insert.bind(content.as_slice()).execute(&mut **transaction).await?;
    }
    Ok(())
}

/// What a version consists of.
pub(super) async fn insert_parts(
    transaction: &mut Transaction<'_, Any>,
    insert: &'static str,
    manifest: &Manifest,
    refs: &Refs,
) -> Result<(), sqlx::Error> {
    let parts = sqlx::query(insert).bind(refs.as_json());
    let parts = parts.bind(&manifest.name).bind(manifest.version.cast_signed());
    parts.execute(&mut **transaction).await?;
    Ok(())
}

/// Removes old versions, and the segments that are of no use any more.
async fn tidy(
    transaction: &mut Transaction<'_, Any>,
    manifest: &Manifest,
    now: i64,
    keep: NonZeroU32,
) -> Result<(), StoreError> {
    let old = sqlx::query(sql::DELETE_OLD).bind(&manifest.name).bind(i64::from(keep.get()));
    old.execute(&mut **transaction).await?;
    sqlx::query(sql::DELETE_UNWANTED).bind(now).execute(&mut **transaction).await?;
    sqlx::query(sql::COLLECT).execute(&mut **transaction).await?;
    Ok(())
}
