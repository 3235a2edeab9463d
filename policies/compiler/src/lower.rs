//! From Cedar's JSON form of a policy to the engine's instructions.
//!
//! Nothing is approximated: a form that is not known here is refused by its name.

mod attribute;
mod code;
mod condition;
mod expression;
mod literal;
mod scope;

use crate::facts::Plan;
use crate::names::Names;
use crate::pools::{Pools, append};
use cedarkey_engine::model::image::PolicyImage;
use cedarkey_engine::model::{Effect, MAX_STACK};
use serde_json::Value as Json;

/// Why a policy cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LowerError {
    /// The policy's expressions nest too deep.
    #[error("the policy nests deeper than {MAX_NESTING} expressions")]
    Nesting,
    /// The policy computes with more values at once than the engine's stack holds.
    #[error("the policy holds more than {MAX_STACK} values at once")]
    Stack,
    /// The policy needs more than fits.
    #[error("the policy is too large")]
    TooLarge,
    /// A form of Cedar that this compiler does not cover.
    #[error("{0} is not supported")]
    Unsupported(String),
}

/// How deep expressions may nest. A chain of `&&`, `||` or `+` nests by one for each operand.
pub const MAX_NESTING: usize = 4000;

/// How deep set and record literals may nest.
const MAX_LITERAL_NESTING: usize = 200;

/// What lowering reads and fills.
#[derive(Debug)]
pub struct Lowering<'a> {
    /// The names.
    pub names: &'a mut Names,
    /// The model.
    pub pools: &'a mut Pools,
    /// The facts that a context is made of.
    pub plan: &'a Plan,
}

impl Lowering<'_> {
    /// Compiles a policy from its JSON form.
    ///
    /// # Errors
    ///
    /// Where it cannot be compiled.
    pub fn policy(
        &mut self,
        id: &str,
        reason: &str,
        json: &Json,
    ) -> Result<PolicyImage, LowerError> {
        let effect = match json.get("effect").and_then(Json::as_str) {
            Some("permit") => Effect::Permit,
            Some("forbid") => Effect::Forbid,
            other => return Err(unsupported("the effect", other.unwrap_or("none"))),
        };
        let principal = self.scope(member(json, "principal")?)?;
        let action = self.action(member(json, "action")?)?;
        let resource = self.scope(member(json, "resource")?)?;
        let (ops, facts) = self.condition(member(json, "conditions")?)?;
        let condition = append(&mut self.pools.image.ops, ops);
        let (id, reason) = (self.pools.text(id), self.pools.text(reason));
        Ok(PolicyImage { id, reason, effect, principal, action, resource, condition, facts })
    }
}

fn unsupported(what: &str, form: impl std::fmt::Display) -> LowerError {
    LowerError::Unsupported(format!("{what} `{form}`"))
}

fn member<'a>(json: &'a Json, name: &str) -> Result<&'a Json, LowerError> {
    json.get(name).ok_or_else(|| unsupported("a policy without", name))
}
