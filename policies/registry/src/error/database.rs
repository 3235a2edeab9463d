//! What a database means by its codes.

use sqlx::error::ErrorKind;

/// The sorts of failures that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The database is damaged, or is none.
    Corrupt,
    /// Somebody else holds a lock.
    Locked,
    /// The database lets nobody in who comes like this.
    Refused,
    /// It cannot be reached, made, read or written.
    Unreachable,
    /// Another row has this value.
    Taken,
}

// SQLite's primary result codes (https://sqlite.org/rescode.html).
const BUSY: u32 = 5;
const LOCKED: u32 = 6;
const READ_ONLY: u32 = 8;
const CORRUPT: u32 = 11;
const CANNOT_OPEN: u32 = 14;
const NOT_A_DATABASE: u32 = 26;

impl Trouble {
    pub(crate) fn of(error: &sqlx::Error) -> Option<Self> {
        match error {
            sqlx::Error::Database(database) if database.kind() == ErrorKind::UniqueViolation => {
                Some(Self::Taken)
            }
            sqlx::Error::Database(database) => Self::of_code(&database.code()?),
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::Tls(_) => {
                Some(Self::Unreachable)
            }
            _ => None,
        }
    }

    /// SQLite's codes are numbers; PostgreSQL's have five characters
    /// (https://www.postgresql.org/docs/current/errcodes-appendix.html).
    fn of_code(code: &str) -> Option<Self> {
        match code {
            "40001" | "40P01" | "55P03" | "57014" => return Some(Self::Locked),
            "28000" | "28P01" | "3D000" | "42501" => return Some(Self::Refused),
            "53300" | "57P01" | "57P02" | "57P03" => return Some(Self::Unreachable),
            _ if code.len() == 5 => return None,
            _ => {}
        }
        match code.parse::<u32>().ok()? & 0xff {
            BUSY | LOCKED => Some(Self::Locked),
            CORRUPT | NOT_A_DATABASE => Some(Self::Corrupt),
            CANNOT_OPEN | READ_ONLY => Some(Self::Unreachable),
            _ => None,
        }
    }
}
