//! Opening a registry, or making one.

use super::Place;
use crate::Registry;
use crate::error::OpenError;
use sqlx::any::AnyPoolOptions;
use sqlx::migrate::Migrator;
use sqlx::{AnyConnection, Connection, Executor};
use std::path::Path;
use std::time::Duration;

/// The `application_id` that the first migration sets: "ckrg".
const APPLICATION: i64 = 0x636b_7267;

/// How long to wait for a connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long to wait for another process that has locked the file, in milliseconds.
const BUSY_TIMEOUT: &str = "PRAGMA busy_timeout = 2000";

/// Another program may have migrations in the same PostgreSQL database.
const MIGRATIONS_TABLE: &str = "_cedarkey_registry_migrations";

impl Registry {
    /// Opens the registry in a file, or makes one that only its owner can read.
    ///
    /// # Errors
    ///
    /// As [`Registry::open_at`].
    pub async fn open(file: &Path) -> Result<Self, OpenError> {
        Self::open_at(&Place::File(file.into())).await
    }

    /// Opens the registry at an address, or makes one there.
    ///
    /// # Errors
    ///
    /// Where it cannot be used; the message and [`OpenError::help`] say why and what to do.
    pub async fn open_at(place: &Place) -> Result<Self, OpenError> {
        sqlx::any::install_default_drivers();
        let failed = |error| OpenError::new(place, error);
        let unreachable = || OpenError::Unreachable(place.clone());
        if let Place::File(file) = place {
            make_private(file).map_err(|_| unreachable())?;
        }
        let url = place.url().ok_or_else(unreachable)?;
        // A pool would try again and again what fails for good.
        let mut first = AnyConnection::connect(&url).await.map_err(failed)?;
        let checked = check(&mut first, place).await;
        let closed = first.close().await;
        checked?;
        closed.map_err(failed)?;

        let is_file = matches!(place, Place::File(_));
        let options = AnyPoolOptions::new().max_connections(2).acquire_timeout(PATIENCE);
        let options = options.after_connect(move |connection, _| {
            Box::pin(async move {
                if is_file {
                    connection.execute(BUSY_TIMEOUT).await?;
                }
                Ok(())
            })
        });
        let pool = options.connect(&url).await.map_err(failed)?;
        let registry = Self { pool, place: place.clone() };
        let migrated = migrations(place).run(&registry.pool).await;
        migrated.map_err(|error| OpenError::migrating(place, error))?;
        registry.chain_old_audit().await.map_err(failed)?;
        Ok(registry)
    }

    /// Where it lies.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Closes it, for all clones: a file is then whole without another beside it.
    pub async fn close(self) {
        self.pool.close().await;
    }
}

fn migrations(place: &Place) -> Migrator {
    match place {
        Place::File(_) => sqlx::migrate!("migrations/sqlite"),
        Place::Postgres(_) => {
            let mut migrations = sqlx::migrate!("migrations/postgres");
            migrations.dangerous_set_table_name(MIGRATIONS_TABLE);
            migrations
        }
    }
}

/// Whether a file is sound, and a registry or empty.
async fn check(connection: &mut AnyConnection, place: &Place) -> Result<(), OpenError> {
    let failed = |error| OpenError::new(place, error);
    if matches!(place, Place::Postgres(_)) {
        return Ok(());
    }
    for pragma in [BUSY_TIMEOUT, "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL"] {
        connection.execute(pragma).await.map_err(failed)?;
    }
    let tables = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema");
    let tables: i64 = tables.fetch_one(&mut *connection).await.map_err(failed)?;
    let application = sqlx::query_scalar("PRAGMA application_id");
    let application: i64 = application.fetch_one(&mut *connection).await.map_err(failed)?;
    if tables > 0 && application != APPLICATION {
        return Err(OpenError::Foreign(place.clone()));
    }
    let sound = sqlx::query_scalar("PRAGMA quick_check(1)");
    let sound: String = sound.fetch_one(&mut *connection).await.map_err(failed)?;
    if sound == "ok" { Ok(()) } else { Err(OpenError::Corrupt(place.clone())) }
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
