//! What can be wrong with a database, in words that say what to do about it.

use std::path::PathBuf;

use sqlx::migrate::MigrateError;

/// Why a publisher's database cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// SQLite says that the file is no database or a broken one.
    #[error("`{}` is damaged or is not a SQLite database", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
    },
    /// Something else went wrong.
    #[error("`{}` cannot be opened", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: sqlx::Error,
    },
    /// The database belongs to some other program.
    #[error("`{}` is a database, but not a publisher's", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Another process does not let go of the file.
    #[error("`{}` is locked by another process", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// A later version of this program changed the tables.
    #[error("`{}` was written by a newer version of cedarkey", path.display())]
    NewerSchema {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be made or read where it is.
    #[error("`{}` cannot be read or made: is its folder there, and is it yours?", path.display())]
    Unreachable {
        /// The file.
        path: PathBuf,
    },
}

/// Why the database does not do what it should.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("the database is damaged")]
    Corrupt,
    #[error("the database fails")]
    Database(#[source] sqlx::Error),
    #[error("the database is locked by another process")]
    Locked,
    #[error("every connection to the database is in use")]
    Overloaded,
    #[error("the version is larger than the database can hold")]
    VersionTooLarge,
}

// === impl OpenError ===

impl OpenError {
    pub(super) fn new(path: PathBuf, error: sqlx::Error) -> Self {
        match primary_code(&error) {
            Some(BUSY | LOCKED) => Self::Locked { path },
            Some(CORRUPT | NOT_A_DATABASE) => Self::Corrupt { path },
            Some(CANNOT_OPEN | READ_ONLY) => Self::Unreachable { path },
            _ => Self::Database { path, source: error },
        }
    }

    pub(super) fn migrating(path: PathBuf, error: MigrateError) -> Self {
        match error {
            MigrateError::VersionMissing(_) => Self::NewerSchema { path },
            MigrateError::VersionMismatch(_) => Self::Foreign { path },
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
                Self::new(path, error)
            }
            other => Self::Database { path, source: sqlx::Error::Migrate(Box::new(other)) },
        }
    }
}

// === impl StoreError ===

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match primary_code(&error) {
            Some(BUSY | LOCKED) => Self::Locked,
            Some(CORRUPT | NOT_A_DATABASE) => Self::Corrupt,
            _ if matches!(error, sqlx::Error::PoolTimedOut) => Self::Overloaded,
            _ => Self::Database(error),
        }
    }
}

const BUSY: u32 = 5;
const LOCKED: u32 = 6;
const READ_ONLY: u32 = 8;
const CORRUPT: u32 = 11;
const CANNOT_OPEN: u32 = 14;
const NOT_A_DATABASE: u32 = 26;

/// SQLite's result code without the details in its upper bits.
fn primary_code(error: &sqlx::Error) -> Option<u32> {
    let code = error.as_database_error()?.code()?;
    Some(code.parse::<u32>().ok()? & 0xff)
}
