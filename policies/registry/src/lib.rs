//! The key inventory: who owns which key, for what, until when.
//!
//! A token is shown once, when its key is issued or requested; the registry holds its SHA-256 and
//! nothing that it could be found from. Keys are never deleted. Every change is kept in an audit
//! whose entries hold the hash of the one before, so that [`Registry::verify`] finds tampering.
//!
//! ```text
//! request ──> pending ──approve──> active <──resume── suspended
//!                │                   │  └───suspend──────^
//!               deny             rotate, extend, transfer
//!                v                   v
//!             denied         revoked, retired, or expired by itself
//! ```
//!
//! The registry lies in a SQLite file or in PostgreSQL, with the same logic: every command is one
//! transaction, and writers take turns.

mod apply;
mod audit;
mod change;
mod edit;
mod error;
mod import;
mod issue;
mod key;
mod new_key;
mod query;
mod rotate;
mod status;
mod store;
mod token;
mod waiting;

pub use apply::{Applied, Apply, Wanted};
pub use audit::{Entry, Finding, Head, Verified};
pub use change::{Change, spoken};
pub use edit::{Adjustment, Amendment, Edit, Edited, List, Task};
pub use error::{
    ChangeError, ClockError, FindError, ImportError, IssueError, OpenError, Refusal, RowError,
    RuleError, StoreError,
};
pub use import::Row;
pub use issue::Issued;
pub use key::{Key, State};
pub use new_key::{NewKey, is_name};
pub use query::{Filter, Selector, Which};
pub use rotate::{Rotated, Rotation};
pub use status::Status;
pub use store::{Place, Progress};
pub use waiting::Waiting;

use sqlx::AnyPool;

/// A registry. Clones are the same registry.
#[derive(Clone, Debug)]
pub struct Registry {
    pool: AnyPool,
    place: Place,
}
