//! What can go wrong, in words that say whose fault it is.

use cedarkey_engine::token::TokenError;
use sqlx::migrate::MigrateError;
use std::path::PathBuf;

/// Why a registry cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file is no database, or a broken one.
    #[error("`{}` is damaged or is not a SQLite database", .0.display())]
    Corrupt(PathBuf),
    /// The database belongs to some other program.
    #[error("`{}` is a database, but not a key registry", .0.display())]
    Foreign(PathBuf),
    /// Another process does not let go of the file.
    #[error("`{}` is locked by another process", .0.display())]
    Locked(PathBuf),
    /// A later version of this program changed the tables.
    #[error("`{}` was written by a newer version of cedarkey", .0.display())]
    NewerSchema(PathBuf),
    /// Something else went wrong.
    #[error("`{}` cannot be opened", path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: sqlx::Error,
    },
    /// The file cannot be made, read or written where it is.
    #[error("`{}` cannot be made, read or written", .0.display())]
    Unreachable(PathBuf),
}

/// Why the registry does not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database is damaged.
    #[error("the key registry is damaged")]
    Corrupt,
    /// Another process does not let go of the file.
    #[error("the key registry is locked by another process")]
    Locked,
    /// A row holds what this program never writes.
    #[error("key `{key}` in the registry has a malformed {column}")]
    Malformed {
        /// The key's id.
        key: String,
        /// The column.
        column: &'static str,
    },
    /// Something else went wrong.
    #[error("the key registry fails")]
    Other(#[source] sqlx::Error),
}

/// Why a key is not issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// A required field is empty.
    #[error("a key needs {0}")]
    Blank(&'static str),
    /// A field holds a control character, which no terminal, log or header is to be given.
    #[error("{0} must not hold control characters")]
    Control(&'static str),
    /// The hash is that of another key.
    #[error("the registry has a key with this hash already: `{0}`")]
    DuplicateHash(String),
    /// It would expire before it is valid.
    #[error("the key would expire before it becomes valid")]
    Lifetime,
    /// A network is none.
    #[error("`{0}` is not a network: write an address or a range, as in `10.0.0.0/8`")]
    Network(String),
    /// There is no randomness to be had.
    #[error("the system gives no random bytes")]
    Random(#[source] getrandom::Error),
    /// A scope is none.
    #[error("`{0}` is not a scope: use 1 to 128 characters without spaces")]
    Scope(String),
    /// The registry fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The prefix or environment cannot stand in a token.
    #[error("`{0}` cannot stand in a token")]
    Word(String, #[source] TokenError),
}

/// Why a key is not found.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// The beginning of an id that several keys have.
    #[error("several keys begin with `{0}`")]
    Ambiguous(String),
    /// No such key.
    #[error("there is no key `{0}`")]
    Missing(String),
    /// The registry fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a key is not revoked.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    /// There is no reason.
    #[error("a revocation needs a reason")]
    Blank,
    /// The reason holds a control character.
    #[error("a reason must not hold control characters")]
    Control,
    /// The key is not found.
    #[error(transparent)]
    Find(#[from] FindError),
}

// === impl OpenError ===

impl OpenError {
    pub(crate) fn new(path: PathBuf, source: sqlx::Error) -> Self {
        match primary_code(&source) {
            Some(BUSY | LOCKED) => Self::Locked(path),
            Some(CORRUPT | NOT_A_DATABASE) => Self::Corrupt(path),
            Some(CANNOT_OPEN | READ_ONLY) => Self::Unreachable(path),
            _ => Self::Other { path, source },
        }
    }

    pub(crate) fn migrating(path: PathBuf, error: MigrateError) -> Self {
        match error {
            MigrateError::VersionMissing(_) => Self::NewerSchema(path),
            MigrateError::VersionMismatch(_) => Self::Foreign(path),
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
                Self::new(path, error)
            }
            other => Self::Other { path, source: sqlx::Error::Migrate(Box::new(other)) },
        }
    }

    /// What would help.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Corrupt(_) => {
                "restore it from a backup; `keys.database` in cedarkey.toml names the file"
            }
            Self::Foreign(_) => "name another file as `keys.database` in cedarkey.toml",
            Self::Locked(_) => "wait until the other process is done, or end it",
            Self::NewerSchema(_) => "use that version or a later one",
            Self::Other { .. } | Self::Unreachable(_) => "is its folder there, and is it yours?",
        }
    }
}

// === impl StoreError ===

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match primary_code(&error) {
            Some(BUSY | LOCKED) => Self::Locked,
            Some(CORRUPT | NOT_A_DATABASE) => Self::Corrupt,
            _ => Self::Other(error),
        }
    }
}

impl From<sqlx::Error> for IssueError {
    fn from(error: sqlx::Error) -> Self {
        StoreError::from(error).into()
    }
}

impl From<sqlx::Error> for FindError {
    fn from(error: sqlx::Error) -> Self {
        StoreError::from(error).into()
    }
}

impl From<sqlx::Error> for RevokeError {
    fn from(error: sqlx::Error) -> Self {
        Self::Find(error.into())
    }
}

// SQLite's primary result codes (https://sqlite.org/rescode.html).
const BUSY: u32 = 5;
const LOCKED: u32 = 6;
const READ_ONLY: u32 = 8;
const CORRUPT: u32 = 11;
const CANNOT_OPEN: u32 = 14;
const NOT_A_DATABASE: u32 = 26;

fn primary_code(error: &sqlx::Error) -> Option<u32> {
    let code = error.as_database_error()?.code()?;
    Some(code.parse::<u32>().ok()? & 0xff)
}
