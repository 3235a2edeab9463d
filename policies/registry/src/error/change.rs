//! Why something is not changed.

use super::{RuleError, StoreError};
use crate::change::spoken;
use crate::status::Status;
use jiff::{SignedDuration, Timestamp};

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

/// Why a key is not issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The clock went back.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// The hash is that of another key.
    #[error("the registry has a key with this hash already: `{0}`")]
    DuplicateHash(String),
    /// The name is that of another key.
    #[error("the key `{id}` is called `{name}` already")]
    DuplicateName {
        /// The name.
        name: String,
        /// The other key's id.
        id: String,
    },
    /// There is no randomness to be had.
    #[error("the system gives no random bytes")]
    Random(#[source] getrandom::Error),
    /// It breaks a rule.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// The registry fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// This machine's clock is behind the last entry of the audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the clock went back: it says {now}, and the last change was made at {last}")]
pub struct ClockError {
    /// When the last change was made.
    pub last: Timestamp,
    /// What the clock says.
    pub now: Timestamp,
}

/// Why a key is not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The clock went back.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// The key is not found.
    #[error(transparent)]
    Find(#[from] FindError),
    /// Its successor cannot be issued.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// The key, or what is asked of it, does not allow it.
    #[error("key `{key}` {refusal}")]
    Refused {
        /// The key's id.
        key: String,
        /// Why.
        refusal: Refusal,
    },
    /// The actor or the reason cannot be kept.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// A reason is required.
    #[error("{0} needs a reason")]
    Unexplained(&'static str),
}

/// What about a key does not allow a change. Reads on from the key's id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A decoy is to be replaced, or a key to become one or another.
    #[error("{0}")]
    Decoy(&'static str),
    /// It has this name already, or another key has.
    #[error("cannot be called `{0}`: another key is")]
    NameTaken(String),
    /// Its end is not after the one it has.
    #[error("ends at {0} already: an extension ends later")]
    NotLonger(String),
    /// It is not in a status in which this can be done.
    #[error("is {status}, and cannot be {done}")]
    NotNow {
        /// What it is.
        status: Status,
        /// What was to be done, as in `suspended`.
        done: &'static str,
    },
    /// Whoever requested a key does not approve it.
    #[error("was requested by `{0}`, and nobody approves their own request")]
    OwnRequest(String),
    /// The overlap would outlive the key.
    #[error("ends in {}, before an overlap of {} does", spoken(*rest), spoken(*overlap))]
    OverlapTooLong {
        /// How long the overlap is.
        overlap: SignedDuration,
        /// How long the key has to live.
        rest: SignedDuration,
    },
    /// Its end has come.
    #[error("would have expired already, at {0}")]
    PastExpiry(Timestamp),
    /// It has a successor.
    #[error("is replaced by `{0}` already")]
    Replaced(String),
    /// What it would become breaks a rule.
    #[error("cannot be changed so: {0}")]
    Rule(#[from] RuleError),
}

/// Why nothing is imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The clock went back.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// Somebody has changed keys since the plan was made.
    #[error("the registry was changed meanwhile")]
    Overtaken,
    /// There is no randomness to be had.
    #[error("the system gives no random bytes")]
    Random(#[source] getrandom::Error),
    /// Some rows cannot be imported: all of them are here.
    #[error("{} of {rows} rows cannot be imported, so none is", wrong.len())]
    Rows {
        /// How many rows there are.
        rows: usize,
        /// Where they come from, and what is wrong with each.
        wrong: Vec<(String, RowError)>,
    },
    /// The actor or the reason cannot be kept.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// The registry fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is wrong with a row that is to be imported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// Another row has this hash or name.
    #[error("{0} has the same {1}")]
    Double(String, &'static str),
    /// It cannot be understood.
    #[error("{0}")]
    Form(String),
    /// The registry has a key with this hash or name.
    #[error("the registry has a key with this {1} already: `{0}`")]
    Known(String, &'static str),
    /// The key that there is cannot become so.
    #[error("key `{0}` {1}")]
    Refused(String, Refusal),
    /// It breaks a rule.
    #[error("{0}")]
    Rule(#[from] RuleError),
}

// === impl FindError ===

impl From<sqlx::Error> for FindError {
    fn from(error: sqlx::Error) -> Self {
        StoreError::from(error).into()
    }
}

// === impl IssueError ===

impl From<sqlx::Error> for IssueError {
    fn from(error: sqlx::Error) -> Self {
        StoreError::from(error).into()
    }
}

// === impl ChangeError ===

impl ChangeError {
    /// What would help, where something would.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::Clock(_) | Self::Issue(IssueError::Clock(_)) => Some(ClockError::HELP),
            Self::Refused { refusal, .. } => refusal.help(),
            _ => None,
        }
    }
}

impl From<StoreError> for ChangeError {
    fn from(error: StoreError) -> Self {
        Self::Find(error.into())
    }
}

impl From<sqlx::Error> for ChangeError {
    fn from(error: sqlx::Error) -> Self {
        StoreError::from(error).into()
    }
}

// === impl ClockError ===

impl ClockError {
    /// What would help.
    pub const HELP: &str = "set the clock right; if the last change was made with a wrong clock, `cedarkey audit accept-clock` lets time go on from now";
}

// === impl Refusal ===

impl Refusal {
    fn help(&self) -> Option<&'static str> {
        match self {
            Self::OverlapTooLong { .. } => {
                Some("name a shorter `--overlap`, or extend the key first")
            }
            Self::OwnRequest(_) => {
                Some("ask somebody else; CEDARKEY_ACTOR says who you are where USER does not")
            }
            _ => None,
        }
    }
}

// === impl ImportError ===

impl From<sqlx::Error> for ImportError {
    fn from(error: sqlx::Error) -> Self {
        StoreError::from(error).into()
    }
}
