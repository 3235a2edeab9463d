//! What can go wrong, in words that say whose fault it is.

mod change;
mod database;
mod open;
mod rule;
mod store;

pub use change::{ChangeError, ClockError, FindError, ImportError, IssueError, Refusal, RowError};
pub use open::OpenError;
pub use rule::RuleError;
pub use store::StoreError;
