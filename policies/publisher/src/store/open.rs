//! Opening a database, and bringing it up to date.

use std::{path::Path, time::Duration};

use cedarkey_bundle::Envelope;
use sqlx::{
    Any, AnyConnection, ConnectOptions as _, Connection as _, Executor as _, Transaction,
    any::{AnyConnectOptions, AnyPoolOptions},
    migrate::Migrator,
    sqlite::SqliteConnectOptions,
};
use tokio::sync::Mutex;

use super::{Database, OpenError, Refs, Store, dialect, error, push};

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// The `application_id` that the first migration of a SQLite file sets.
const APPLICATION: i64 = 0x636b_7062;

/// What is said to every connection to a SQLite file: how long to wait, in milliseconds, for another
/// process that has locked it; and that what was answered with 201 is to be there after a power cut.
const TO_SQLITE: &str = "PRAGMA busy_timeout = 2000; PRAGMA synchronous = FULL";

/// What is said to every connection to PostgreSQL: where the tables are, and for how long anything
/// may go on there, so that a publisher that hangs does not hold up the others.
const TO_POSTGRES: &str = "\
    SET search_path TO cedarkey_publisher; SET lock_timeout TO '3s'; \
    SET statement_timeout TO '8s'; SET idle_in_transaction_session_timeout TO '10s'; \
    SET client_min_messages TO warning";

/// How many requests use the database at a time; the others queue.
const CONNECTIONS: u32 = 8;

/// How long a request waits for a connection.
const PATIENCE: Duration = Duration::from_secs(2);

// === impl Store ===

impl Store {
    /// Opens a database, makes it if it is a file, and applies the migrations that it lacks.
    pub(crate) async fn open(database: &Database) -> Result<Self, OpenError> {
        sqlx::any::install_default_drivers();
        let failed = |error| OpenError::new(database.clone(), error);
        let (options, dialect, greeting, migrations) = match database {
            Database::Postgres(url) => {
                let options = AnyConnectOptions::from_url(url).map_err(failed)?;
                (options, &dialect::POSTGRES, TO_POSTGRES, &POSTGRES)
            }
            Database::Sqlite(path) => {
                let options = sqlite(path).map_err(failed)?;
                (options, &dialect::SQLITE, TO_SQLITE, &SQLITE)
            }
        };
        // One connection before the pool, which would only say that it has none.
        let mut first = tokio::time::timeout(PATIENCE, options.connect())
            .await
            .unwrap_or(Err(sqlx::Error::PoolTimedOut))
            .map_err(failed)?;
        first.execute(greeting).await.map_err(failed)?;
        match database {
            Database::Postgres(_) => make_schema(&mut first).await.map_err(failed)?,
            Database::Sqlite(_) => {
                // Readers and the one writer do not wait for each other.
                first.execute("PRAGMA journal_mode = WAL").await.map_err(failed)?;
                if is_foreign(&mut first).await.map_err(failed)? {
                    return Err(OpenError::Foreign { database: database.clone() });
                }
            }
        }
        let migrated = migrations.run(&mut first).await;
        migrated.map_err(|error| OpenError::migrating(database.clone(), error))?;
        enter_parts(&mut first, dialect).await.map_err(failed)?;
        first.close().await.map_err(failed)?;
        let pool = AnyPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(PATIENCE)
            .after_connect(move |connection, _| {
                Box::pin(async move { connection.execute(greeting).await.map(drop) })
            })
            .connect_lazy_with(options);
        let turn = matches!(database, Database::Sqlite(_)).then(Mutex::default);
        Ok(Self { pool, dialect, turn })
    }
}

fn sqlite(path: &Path) -> Result<AnyConnectOptions, sqlx::Error> {
    // A URL cannot say that a path is relative.
    let path = std::path::absolute(path)?;
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    AnyConnectOptions::from_url(&options.to_url_lossy())
}

/// Makes the schema in which the tables are. A role that may not is content if somebody else did.
async fn make_schema(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    let found = "SELECT count(*) FROM pg_namespace WHERE nspname = 'cedarkey_publisher'";
    let found: i64 = sqlx::query_scalar(found).fetch_one(&mut *connection).await?;
    if found > 0 {
        return Ok(());
    }
    match connection.execute("CREATE SCHEMA IF NOT EXISTS cedarkey_publisher").await {
        Err(error) if error::is_race(&error) => Ok(()),
        made => made.map(drop),
    }
}

/// Whether a file holds what is not a publisher's. An empty one is as good as a new one.
async fn is_foreign(connection: &mut AnyConnection) -> Result<bool, sqlx::Error> {
    let application: i64 =
        sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *connection).await?;
    let objects: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(connection).await?;
    Ok(application != APPLICATION && objects > 0)
}

/// Enters the parts of versions that were stored before there was a table for them.
async fn enter_parts(
    connection: &mut AnyConnection,
    dialect: &'static dialect::Dialect,
) -> Result<(), sqlx::Error> {
    let mut transaction: Transaction<'_, Any> = connection.begin_with(dialect.begin).await?;
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
        let insert = dialect.insert_parts;
        push::insert_parts(&mut transaction, insert, manifest, &Refs::of(manifest)).await?;
    }
    transaction.commit().await
}
