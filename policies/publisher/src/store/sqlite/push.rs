//! The two steps of a push that must not run beside another's.

use std::num::NonZeroU32;

use cedarkey_bundle::{Digest, Manifest};
use sqlx::{Sqlite, Transaction};

use super::Store;
use crate::store::{Announced, Latest, Push, Pushed, Refs, StoreError, refs, sql};

/// Takes the write lock at once: of two pushes, one looks at what the other has written.
const BEGIN: &str = "BEGIN IMMEDIATE";

const INSERT_WANTED: &str = "\
    INSERT INTO wanted (digest, length, until) \
    SELECT unhex(value ->> 0), value ->> 1, $2 FROM json_each($1) WHERE TRUE \
    ON CONFLICT (digest) DO UPDATE SET until = excluded.until";

const INSERT_PARTS: &str = "\
    INSERT INTO parts (name, version, digest) \
    SELECT $2, $3, unhex(value ->> 0) FROM json_each($1)";

const MISSING: &str = "\
    SELECT unhex(value ->> 0) FROM json_each($1) WHERE NOT EXISTS \
    (SELECT 1 FROM segments WHERE digest = unhex(value ->> 0))";

// === impl Store ===

impl Store {
    /// Says which segments are missing, and takes them and keeps the others until a time.
    pub(crate) async fn announce(
        &self,
        manifest: &Manifest,
        refs: &Refs,
        until: i64,
    ) -> Result<Announced, StoreError> {
        let mut transaction = self.pool.begin_with(BEGIN).await?;
        if let Some(current) = newer(&mut transaction, manifest).await? {
            return Ok(Announced::NotAbove { current });
        }
        let wanted = sqlx::query(INSERT_WANTED).bind(refs.as_json()).bind(until);
        wanted.execute(&mut *transaction).await?;
        let missing = missing(&mut transaction, refs).await?;
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
        let manifest = push.envelope.manifest();
        let refs = Refs::of(manifest);
        let mut transaction = self.pool.begin_with(BEGIN).await?;
        if let Some(current) = newer(&mut transaction, manifest).await? {
            return Ok(Pushed::NotAbove { current });
        }
        if let Some(condition) = &push.condition {
            let latest = sqlx::query_as(sql::LATEST).bind(&manifest.name);
            let latest: Option<(i64, Vec<u8>)> = latest.fetch_optional(&mut *transaction).await?;
            let latest = latest.map(|(version, bytes)| Latest::new(version.cast_unsigned(), bytes));
            if !condition.is_met(latest.as_ref()) {
                return Ok(Pushed::Unexpected);
            }
        }
        if let Some(segments) = &push.segments {
            insert_segments(&mut transaction, manifest, segments).await?;
        }
        let missing = missing(&mut transaction, &refs).await?;
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
        insert_parts(&mut transaction, manifest, &refs).await?;
        tidy(&mut transaction, manifest, now, keep).await?;
        transaction.commit().await?;
        Ok(Pushed::Stored(Latest::new(manifest.version, envelope)))
    }
}

/// A version as the database has it.
fn number(manifest: &Manifest) -> Result<i64, StoreError> {
    i64::try_from(manifest.version).map_err(|_| StoreError::VersionTooLarge)
}

/// The version that is in force, if the manifest's is not above it.
async fn newer(
    transaction: &mut Transaction<'_, Sqlite>,
    manifest: &Manifest,
) -> Result<Option<u64>, StoreError> {
    let version = number(manifest)?;
    let current = sqlx::query_scalar(sql::CURRENT).bind(&manifest.name);
    let current: Option<i64> = current.fetch_one(&mut **transaction).await?;
    Ok(current.filter(|current| version <= *current).map(i64::cast_unsigned))
}

async fn missing(
    transaction: &mut Transaction<'_, Sqlite>,
    refs: &Refs,
) -> Result<Vec<Digest>, StoreError> {
    let missing = sqlx::query_scalar(MISSING).bind(refs.as_json());
    let missing: Vec<Vec<u8>> = missing.fetch_all(&mut **transaction).await?;
    Ok(missing.iter().filter_map(|bytes| refs::digest(bytes)).collect())
}

async fn insert_segments(
    transaction: &mut Transaction<'_, Sqlite>,
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
    transaction: &mut Transaction<'_, Sqlite>,
    manifest: &Manifest,
    refs: &Refs,
) -> Result<(), sqlx::Error> {
    let parts = sqlx::query(INSERT_PARTS).bind(refs.as_json());
    let parts = parts.bind(&manifest.name).bind(manifest.version.cast_signed());
    parts.execute(&mut **transaction).await?;
    Ok(())
}

/// Removes old versions, and the segments that are of no use any more.
async fn tidy(
    transaction: &mut Transaction<'_, Sqlite>,
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
