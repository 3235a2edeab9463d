//! What can be wrong with a database, in words that say what to do about it.

use sqlx::{
    error::ErrorKind, migrate::MigrateError, postgres::PgDatabaseError, sqlite::SqliteError,
};

use super::Database;

/// Why a publisher's database cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// No PostgreSQL answers there.
    #[error("`{database}` cannot be reached: is PostgreSQL running there?")]
    Away {
        /// The database.
        database: Database,
        /// What the system says.
        source: sqlx::Error,
    },
    /// SQLite says that the file is no database or a broken one.
    #[error("`{database}` is damaged or is not a SQLite database")]
    Corrupt {
        /// The database.
        database: Database,
    },
    /// Something else went wrong.
    #[error("`{database}` cannot be opened")]
    Database {
        /// The database.
        database: Database,
        /// What the database says.
        source: sqlx::Error,
    },
    /// The database belongs to some other program.
    #[error("`{database}` is a database, but not a publisher's")]
    Foreign {
        /// The database.
        database: Database,
    },
    /// Another process does not let go of the file.
    #[error("`{database}` is locked by another process")]
    Locked {
        /// The database.
        database: Database,
    },
    /// A later version of this program changed the tables.
    #[error("`{database}` was written by a newer version of cedarkey")]
    NewerSchema {
        /// The database.
        database: Database,
    },
    /// The file cannot be made or read where it is.
    #[error("`{database}` cannot be read or made: is its folder there, and is it yours?")]
    Unreachable {
        /// The database.
        database: Database,
    },
}

/// Why the database does not do what it should.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("the database cannot be reached")]
    Away(#[source] sqlx::Error),
    #[error("the database is damaged")]
    Corrupt(#[source] sqlx::Error),
    #[error("the database fails")]
    Database(#[source] sqlx::Error),
    #[error("there is no room left for the database")]
    Full(#[source] sqlx::Error),
    #[error("the database did not answer in time")]
    Late,
    #[error("the database is locked by others")]
    Locked(#[source] sqlx::Error),
    #[error("every connection to the database is in use")]
    Overloaded,
    #[error("the version is larger than the database can hold")]
    VersionTooLarge,
}

/// What an error of a database comes down to.
enum Cause {
    Away,
    Corrupt,
    Full,
    Locked,
    Other,
    Overloaded,
    Unreachable,
}

// === impl OpenError ===

impl OpenError {
    pub(super) fn new(database: Database, error: sqlx::Error) -> Self {
        match Cause::of(&error) {
            Cause::Away | Cause::Overloaded => Self::Away { database, source: error },
            Cause::Corrupt => Self::Corrupt { database },
            Cause::Locked => Self::Locked { database },
            Cause::Unreachable => Self::Unreachable { database },
            Cause::Full | Cause::Other => Self::Database { database, source: error },
        }
    }

    pub(super) fn migrating(database: Database, error: MigrateError) -> Self {
        match error {
            MigrateError::VersionMissing(_) => Self::NewerSchema { database },
            MigrateError::VersionMismatch(_) => Self::Foreign { database },
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
                Self::new(database, error)
            }
            other => Self::Database { database, source: sqlx::Error::Migrate(Box::new(other)) },
        }
    }
}

// === impl StoreError ===

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match Cause::of(&error) {
            Cause::Away => Self::Away(error),
            Cause::Corrupt => Self::Corrupt(error),
            Cause::Full => Self::Full(error),
            Cause::Locked => Self::Locked(error),
            Cause::Other | Cause::Unreachable => Self::Database(error),
            Cause::Overloaded => Self::Overloaded,
        }
    }
}

// === impl Cause ===

impl Cause {
    fn of(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::Tls(_) => Self::Away,
            sqlx::Error::PoolTimedOut => Self::Overloaded,
            sqlx::Error::Database(error) => {
                let code = error.code().unwrap_or_default();
                if error.try_downcast_ref::<SqliteError>().is_some() {
                    Self::of_sqlite(&code)
                } else if error.try_downcast_ref::<PgDatabaseError>().is_some() {
                    Self::of_postgres(&code)
                } else {
                    Self::Other
                }
            }
            _ => Self::Other,
        }
    }

    /// By SQLite's result code, without the details in its upper bits.
    fn of_sqlite(code: &str) -> Self {
        match code.parse::<u32>().unwrap_or_default() & 0xff {
            5 | 6 => Self::Locked,       // BUSY, LOCKED
            8 | 14 => Self::Unreachable, // READONLY, CANTOPEN
            11 | 26 => Self::Corrupt,    // CORRUPT, NOTADB
            13 => Self::Full,            // FULL
            _ => Self::Other,
        }
    }

    /// By PostgreSQL's SQLSTATE, whose first two characters are a class.
    fn of_postgres(code: &str) -> Self {
        match code {
            "53100" => Self::Full,
            // Waiting for a lock, or working, for longer than a statement may.
            "55P03" | "57014" | "40001" | "40P01" => Self::Locked,
            "57P01" | "57P02" | "57P03" => Self::Away,
            "XX001" | "XX002" => Self::Corrupt,
            _ if code.starts_with("08") => Self::Away,
            _ if code.starts_with("53") => Self::Overloaded,
            _ => Self::Other,
        }
    }
}

/// Whether another did the same at the same time, and was first.
pub(super) fn is_race(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| {
        error.kind() == ErrorKind::UniqueViolation || error.code().is_some_and(|it| it == "42P06")
    })
}
