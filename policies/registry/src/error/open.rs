//! Why a registry cannot be opened.

use super::database::Trouble;
use crate::store::Place;
use sqlx::migrate::MigrateError;

/// Why a registry cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file is no database, or a broken one.
    #[error("`{0}` is damaged or is not a SQLite database")]
    Corrupt(Place),
    /// The database belongs to some other program.
    #[error("`{0}` is a database, but not a key registry")]
    Foreign(Place),
    /// Another process does not let go of it.
    #[error("`{0}` is locked by another process")]
    Locked(Place),
    /// The address is none.
    #[error("`{0}` is not the address of a registry")]
    NoAddress(String),
    /// A later version of this program changed the tables.
    #[error("`{0}` was written by a newer version of cedarkey")]
    NewerSchema(Place),
    /// Something else went wrong.
    #[error("`{place}` cannot be opened")]
    Other {
        /// Where it is.
        place: Place,
        /// What the database says.
        source: sqlx::Error,
    },
    /// The server does not let this user into this database.
    #[error("`{place}` refuses this user or has no such database")]
    Refused {
        /// Where it is.
        place: Place,
        /// What the server says.
        source: sqlx::Error,
    },
    /// The file or server cannot be made, read, written or reached where it is.
    #[error("`{0}` cannot be made, read or written")]
    Unreachable(Place),
}

// === impl OpenError ===

impl OpenError {
    pub(crate) fn new(place: &Place, source: sqlx::Error) -> Self {
        let place = place.clone();
        match Trouble::of(&source) {
            Some(Trouble::Corrupt) => Self::Corrupt(place),
            Some(Trouble::Locked) => Self::Locked(place),
            Some(Trouble::Refused) => Self::Refused { place, source },
            Some(Trouble::Unreachable) => Self::Unreachable(place),
            Some(Trouble::Taken) | None => Self::Other { place, source },
        }
    }

    pub(crate) fn migrating(place: &Place, error: MigrateError) -> Self {
        match error {
            MigrateError::VersionMissing(_) => Self::NewerSchema(place.clone()),
            MigrateError::VersionMismatch(_) => Self::Foreign(place.clone()),
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
                Self::new(place, error)
            }
            other => {
                let source = sqlx::Error::Migrate(Box::new(other));
                Self::Other { place: place.clone(), source }
            }
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
            Self::NoAddress(_) => {
                "write `postgres://USER@HOST/DATABASE`, or the path of a SQLite file"
            }
            Self::Refused { .. } => {
                "the address names the user and the database; PGPASSWORD or PGPASSFILE may hold the password"
            }
            Self::Unreachable(Place::Postgres { .. }) => {
                "is the server running, and can it be reached from here?"
            }
            Self::Other { .. } | Self::Unreachable(Place::File(_)) => {
                "is its folder there, and is it yours?"
            }
        }
    }
}
