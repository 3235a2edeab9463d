//! What can be wrong with the registry itself.

use super::database::Trouble;

/// Why the registry does not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database is damaged.
    #[error("the key registry is damaged")]
    Corrupt,
    /// Another process does not let go of it.
    #[error("the key registry is locked by another process")]
    Locked,
    /// A row holds what this program never writes.
    #[error("key `{key}` in the registry has a malformed {column}")]
    Malformed {
        /// The key's id, or the number of an entry of the audit.
        key: String,
        /// The column.
        column: &'static str,
    },
    /// Something else went wrong.
    #[error("the key registry fails")]
    Other(#[source] sqlx::Error),
    /// The server went away.
    #[error("the key registry can no longer be reached")]
    Unreachable(#[source] sqlx::Error),
}

// === impl StoreError ===

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match Trouble::of(&error) {
            Some(Trouble::Corrupt) => Self::Corrupt,
            Some(Trouble::Locked) => Self::Locked,
            Some(Trouble::Unreachable) => Self::Unreachable(error),
            Some(Trouble::Refused | Trouble::Taken) | None => Self::Other(error),
        }
    }
}
