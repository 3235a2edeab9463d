//! Opening the file, and bringing it up to date.

use std::{path::Path, time::Duration};

use cedarkey_bundle::Envelope;
use sqlx::{
    SqlitePool,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{Store, push};
use crate::store::{OpenError, Refs};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// The `application_id` that the first migration sets.
const APPLICATION: i32 = 0x636b_7062;

/// How long to wait for another process that has locked the file.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many requests use the database at a time; the others queue.
const CONNECTIONS: u32 = 8;

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
        enter_parts(&pool).await.map_err(failed)?;
        Ok(Self { pool })
    }
}

/// Whether the file holds what is not a publisher's. An empty one is as good as a new one.
async fn is_foreign(pool: &SqlitePool) -> Result<bool, sqlx::Error> {
    let application: i32 = sqlx::query_scalar("PRAGMA application_id").fetch_one(pool).await?;
    let objects: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(pool).await?;
    Ok(application != APPLICATION && objects > 0)
}

/// Enters the parts of versions that were stored before there was a table for them.
async fn enter_parts(pool: &SqlitePool) -> Result<(), sqlx::Error> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    let envelopes: Vec<Vec<u8>> = sqlx::query_scalar(
        "SELECT envelope FROM bundles WHERE NOT EXISTS (SELECT 1 FROM parts \
         WHERE parts.name = bundles.name AND parts.version = bundles.version)",
    )
    .fetch_all(&mut *transaction)
    .await?;
    for envelope in envelopes {
        let (envelope, _) = Envelope::decode(&envelope)
            .map_err(|error| sqlx::Error::Decode(error.to_string().into()))?;
        let manifest = envelope.manifest();
        push::insert_parts(&mut transaction, manifest, &Refs::of(manifest)).await?;
    }
    transaction.commit().await
}
