//! Why the evaluation of a policy fails.

use crate::request::Pools;
use crate::value::{Sym, Uid};
use alloc::format;
use alloc::string::{String, ToString};

/// Why the evaluation of a policy failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// An extension function refused its arguments.
    #[error("an extension function refused its arguments")]
    Extension,
    /// The verifier let something pass that it must not.
    #[error("the compiled policy is malformed")]
    Malformed,
    /// A record or entity has no such attribute.
    #[error("an attribute does not exist")]
    MissingAttribute(Sym),
    /// The entity is not in the store.
    #[error("the entity does not exist")]
    MissingEntity(Uid),
    /// An entity has no such tag.
    #[error("the tag does not exist")]
    MissingTag,
    /// An integer left the range of 64 bits.
    #[error("integer overflow")]
    Overflow,
    /// Values nest deeper than can be compared.
    #[error("the values nest too deep")]
    TooDeep,
    /// A value is of another type than the operation takes.
    #[error("a value is of the wrong type")]
    Type,
}

// === impl EvalError ===

impl EvalError {
    /// The error in words, with the names that it is about.
    #[must_use]
    pub fn describe(self, pools: Pools<'_>) -> String {
        match self {
            Self::MissingAttribute(name) => {
                format!("the attribute `{}` does not exist", pools.name(name))
            }
            Self::MissingEntity(uid) => {
                let (kind, id) = pools
                    .uid(uid)
                    .map_or(("", ""), |uid| (pools.name(uid.kind), pools.text(uid.id)));
                format!("the entity `{kind}::{id:?}` does not exist")
            }
            _ => self.to_string(),
        }
    }
}
