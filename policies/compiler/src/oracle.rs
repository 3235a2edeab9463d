//! Cedar and the engine, asked the same question.
//!
//! `cedar-policy` is the oracle: whatever it decides is right, and the compiled form is to answer
//! the same, down to the policies that determined the answer and those that failed.

mod cedar;
mod engine;

pub use cedar::Cedar;
pub use engine::Engine;

use cedar_policy::EntityUid;
use serde_json::Value as Json;
use std::collections::BTreeSet;

/// What is asked. The context is in Cedar's JSON format.
#[derive(Clone, Debug)]
pub struct Question {
    /// Who asks.
    pub principal: EntityUid,
    /// What it wants to do.
    pub action: EntityUid,
    /// What it wants to do that to.
    pub resource: EntityUid,
    /// The circumstances.
    pub context: Json,
}

/// An entity that is not in the model, as a key's is not: the request brings it along.
#[derive(Clone, Debug)]
pub struct Guest {
    /// Which entity.
    pub uid: EntityUid,
    /// Its attributes, in Cedar's JSON format.
    pub attrs: Json,
    /// Its parents.
    pub parents: Vec<EntityUid>,
}

/// An answer, without what the two word differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether it is allowed.
    pub allow: bool,
    /// The policies that determined it.
    pub reasons: BTreeSet<String>,
    /// The policies whose evaluation failed.
    pub errors: BTreeSet<String>,
}

/// Why a question cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum QuestionError {
    /// Cedar does not take the context.
    #[error("the context is not one of Cedar's")]
    Context(#[from] Box<cedar_policy::ContextCreationError>),
    /// Cedar does not take a record.
    #[error("a record is not one of Cedar's")]
    Record(#[from] Box<cedar_policy::ExpressionConstructionError>),
    /// Cedar does not take the request.
    #[error("the request is not one of Cedar's")]
    Request(#[from] Box<cedar_policy::RequestValidationError>),
    /// Not a value in Cedar's JSON format.
    #[error("`{0}` is not a value in Cedar's JSON format")]
    Value(String),
}
