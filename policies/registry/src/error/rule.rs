//! Which rule a key breaks.

use cedarkey_engine::token::TokenError;
use jiff::Timestamp;

/// Which rule a key breaks. Whoever wants the key is at fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// A required field is empty.
    #[error("a key needs {0}")]
    Blank(&'static str),
    /// A text holds a control character, which no terminal, log or header is to be given.
    #[error("{0} must not hold control characters")]
    Control(&'static str),
    /// A decoy is to be granted something.
    #[error("a decoy is never granted anything: it has no use for {0}")]
    Decoy(&'static str),
    /// A label is none.
    #[error(
        "the label `{0}` is malformed: its name is like `cost-center`, and its value has at most 512 characters on one line"
    )]
    Label(String),
    /// It would expire before it is valid.
    #[error("the key would expire before it becomes valid")]
    Lifetime,
    /// A name is none.
    #[error(
        "`{0}` is not a name: use at most 64 of `a`-`z`, `0`-`9`, `.`, `_`, `/` and `-`, and begin with a letter"
    )]
    Name(String),
    /// A network is none.
    #[error("`{0}` is not a network: write an address or a range, as in `10.0.0.0/8`")]
    Network(String),
    /// It would have expired already.
    #[error("the key would have expired already, at {0}")]
    PastExpiry(Timestamp),
    /// A scope is none.
    #[error("`{0}` is not a scope: use 1 to 128 characters without spaces")]
    Scope(String),
    /// A SPIFFE id is none.
    #[error("`{0}` is not a SPIFFE id: write `spiffe://DOMAIN/PATH`")]
    Spiffe(String),
    /// A text is too long.
    #[error("{0} has at most 512 characters")]
    TooLong(&'static str),
    /// The prefix or environment cannot stand in a token.
    #[error("`{0}` cannot stand in a token")]
    Word(String, #[source] TokenError),
}
