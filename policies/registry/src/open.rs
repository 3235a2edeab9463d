//! Opening a registry, or making one.

use crate::Registry;
use crate::error::OpenError;
use sqlx::SqlitePool;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use std::path::Path;
use std::time::Duration;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// The `application_id` that the first migration sets: "ckrg".
const APPLICATION: i32 = 0x636b_7267;

/// How long to wait for another process that has locked the file.
const PATIENCE: Duration = Duration::from_secs(2);

impl Registry {
    /// Opens the registry in a file, or makes one that only its owner can read.
    ///
    /// # Errors
    ///
    /// Where the file cannot be used; the message and [`OpenError::help`] say why and what to do.
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        let failed = |error| OpenError::new(path.to_owned(), error);
        make_private(path).map_err(|_| OpenError::Unreachable(path.to_owned()))?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(PATIENCE);
        let pool = SqlitePoolOptions::new().max_connections(2).connect_with(options).await;
        let pool = pool.map_err(failed)?;
        if is_foreign(&pool).await.map_err(failed)? {
            return Err(OpenError::Foreign(path.to_owned()));
        }
        let sound: String =
            sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(&pool).await.map_err(failed)?;
        if sound != "ok" {
            return Err(OpenError::Corrupt(path.to_owned()));
        }
        let migrated = MIGRATIONS.run(&pool).await;
        migrated.map_err(|error| OpenError::migrating(path.to_owned(), error))?;
        Ok(Self { pool })
    }

    /// Closes it, for all clones: the file is then whole without another beside it.
    pub async fn close(self) {
        self.pool.close().await;
    }
}

/// Makes the file if there is none, so that SQLite does not make it with wider rights.
fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Whether the file has tables, and they are not a registry's.
async fn is_foreign(pool: &SqlitePool) -> Result<bool, sqlx::Error> {
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(pool).await?;
    let application: i32 = sqlx::query_scalar("PRAGMA application_id").fetch_one(pool).await?;
    Ok(tables > 0 && application != APPLICATION)
}
