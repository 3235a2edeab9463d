//! The store in SQLite.

use std::{path::Path, time::Duration};

use cedarkey_bundle::{Archive, Digest, Manifest};
use sqlx::{
    Sqlite, SqlitePool, Transaction,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{Latest, OpenError, Pushed, StoreError};

static MIGRATIONS: Migrator = sqlx::migrate!();

/// The `application_id` that the first migration sets.
const APPLICATION: i32 = 0x636b_7062;

/// How long to wait for another process that has locked the file.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many requests use the database at a time; the others queue.
const CONNECTIONS: u32 = 8;

/// Bundles and segments.
#[derive(Debug)]
pub(crate) struct Store {
    pool: SqlitePool,
}

// === impl Store ===

impl Store {
    /// Opens the file or makes it, and applies the migrations that it lacks.
    pub(crate) async fn open(path: &Path) -> Result<Self, OpenError> {
        let failed = |error| OpenError::new(path.to_owned(), error);
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            // Readers and the one writer do not wait for each other.
            .journal_mode(SqliteJournalMode::Wal)
            // What was answered with 201 is still there after a power cut.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(PATIENCE);
        let pool = SqlitePoolOptions::new()
            .max_connections(CONNECTIONS)
            .connect_with(options)
            .await
            .map_err(failed)?;
        if is_foreign(&pool).await.map_err(failed)? {
            return Err(OpenError::Foreign { path: path.to_owned() });
        }
        let migrated = MIGRATIONS.run(&pool).await;
        migrated.map_err(|error| OpenError::migrating(path.to_owned(), error))?;
        Ok(Self { pool })
    }

    /// Whether bundles can be read.
    pub(crate) async fn check(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT name FROM bundles LIMIT 1").fetch_optional(&self.pool).await?;
        Ok(())
    }

    /// The newest version of the bundle of this name.
    pub(crate) async fn latest(&self, name: &str) -> Result<Option<Latest>, StoreError> {
        let row: Option<(i64, Vec<u8>)> = sqlx::query_as(
            "SELECT version, envelope FROM bundles WHERE name = ? ORDER BY version DESC LIMIT 1",
        )
        .bind(name)
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|(version, envelope)| Latest::new(version.cast_unsigned(), envelope)))
    }

    /// The segment of this digest.
    pub(crate) async fn segment(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        let content = sqlx::query_scalar("SELECT content FROM segments WHERE digest = ?")
            .bind(digest.0.as_slice())
            .fetch_optional(&self.pool)
            .await?;
        Ok(content)
    }

    /// Stores a bundle, if its version is above all others of its name.
    pub(crate) async fn push(&self, archive: &Archive, now: i64) -> Result<Pushed, StoreError> {
        let manifest = archive.envelope.manifest();
        let version = i64::try_from(manifest.version).map_err(|_| StoreError::VersionTooLarge)?;
        // Takes the write lock at once: of two pushes, one looks at what the other has written.
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let current: Option<i64> =
            sqlx::query_scalar("SELECT max(version) FROM bundles WHERE name = ?")
                .bind(&manifest.name)
                .fetch_one(&mut *transaction)
                .await?;
        if let Some(current) = current.filter(|current| version <= *current) {
            return Ok(Pushed::NotAbove { current: current.cast_unsigned() });
        }
        insert_segments(&mut transaction, manifest, &archive.segments).await?;
        let envelope = archive.envelope.encode();
        sqlx::query("INSERT INTO bundles (name, version, envelope, pushed_at) VALUES (?, ?, ?, ?)")
            .bind(&manifest.name)
            .bind(version)
            .bind(&envelope)
            .bind(now)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(Pushed::Stored(Latest::new(manifest.version, envelope)))
    }

    /// Ends all connections, and with them the files beside the database.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

/// Whether the file holds what is not a publisher's. An empty one is as good as a new one.
async fn is_foreign(pool: &SqlitePool) -> Result<bool, sqlx::Error> {
    let application: i32 = sqlx::query_scalar("PRAGMA application_id").fetch_one(pool).await?;
    let objects: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(pool).await?;
    Ok(application != APPLICATION && objects > 0)
}

async fn insert_segments(
    transaction: &mut Transaction<'_, Sqlite>,
    manifest: &Manifest,
    segments: &[Vec<u8>],
) -> Result<(), StoreError> {
    for (segment, content) in manifest.segments.iter().zip(segments) {
        sqlx::query("INSERT INTO segments (digest, content) VALUES (?, ?) ON CONFLICT DO NOTHING")
            .bind(segment.digest.0.as_slice())
            .bind(content.as_slice())
            .execute(&mut **transaction)
            .await?;
    }
    Ok(())
}
