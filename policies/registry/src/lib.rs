//! The key inventory: who owns which key, for what, until when.
//!
//! A token is shown once, when its key is issued; the registry holds its SHA-256 and nothing that
//! it could be found from. Keys are never deleted, and every change is kept in an audit table that
//! the database itself refuses to change.

mod error;
mod issue;
mod key;
mod open;
mod query;
mod revoke;

pub use error::{FindError, IssueError, OpenError, RevokeError, StoreError};
pub use issue::{Issued, NewKey};
pub use key::{Key, Status};
pub use query::Filter;

use sqlx::SqlitePool;

/// A registry. Clones are the same registry.
#[derive(Clone, Debug)]
pub struct Registry {
    pool: SqlitePool,
}
