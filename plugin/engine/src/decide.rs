//! The evaluation of a model's policies for one request.
//!
//! Semantics are Cedar's: a policy whose evaluation errors does not apply, forbid wins over permit,
//! and nothing permitted is denied. Every policy whose scope matches is evaluated, so that reasons
//! and errors are complete; there is no early exit.

mod call;
mod error;
mod machine;

pub use error::EvalError;
pub use machine::attribute;

use crate::model::{Candidates, Effect, Model};
use crate::request::{Pools, Request};
use crate::value::{Span, Uid};
use alloc::vec::Vec;
use machine::{Machine, Variables};

/// Who wants to do what to what, and under which circumstances.
#[derive(Clone, Copy, Debug)]
pub struct Query {
    /// Who asks.
    pub principal: Uid,
    /// What it wants to do.
    pub action: Uid,
    /// What it wants to do that to.
    pub resource: Uid,
    /// The circumstances: a record in the request's pool.
    pub context: Span,
}

/// What the policies say. The gate turns it into a permit or a denial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// At least one policy permits and none forbids.
    Allow,
    /// Some policy forbids, or none permits.
    Deny,
}

/// Reusable space to decide in, and the outcome of the last decision.
#[derive(Debug, Default)]
pub struct Evaluation {
    candidates: Candidates,
    machine: Machine,
    permits: Vec<u32>,
    forbids: Vec<u32>,
    errors: Vec<(u32, EvalError)>,
}

// === impl Evaluation ===

impl Evaluation {
    /// Space to decide in.
    pub fn new() -> Self {
        Self::default()
    }

    /// Finds the policies whose scope matches, for [`Evaluation::decide`], and tells which facts
    /// their conditions read: bit N is the fact at index N of the model.
    pub fn find(&mut self, model: &Model, request: &Request, query: &Query) -> u128 {
        let pools = Pools { model, request };
        let Query { principal, action, resource, .. } = *query;
        model.index().find(pools, principal, action, resource, &mut self.candidates);
        let policies = self.candidates.policies.iter().filter_map(|at| model.policy(*at));
        policies.fold(0, |facts, policy| facts | policy.facts)
    }

    /// Decides with the policies that [`Evaluation::find`] found for the same query.
    pub fn decide(&mut self, model: &Model, request: &mut Request, query: &Query) -> Decision {
        self.permits.clear();
        self.forbids.clear();
        self.errors.clear();
        self.machine.reserve(model.deepest_stack());
        let variables = Variables::of(query);
        for at in &self.candidates.policies {
            let Some(policy) = model.policy(*at) else { continue };
            let mark = request.mark();
            let applies = self.machine.run(model, request, &variables, *at);
            request.rewind(mark);
            match (applies, policy.effect) {
                (Ok(true), Effect::Permit) => self.permits.push(*at),
                (Ok(true), Effect::Forbid) => self.forbids.push(*at),
                (Ok(false), _) => {}
                (Err(error), _) => self.errors.push((*at, error)),
            }
        }
        if self.forbids.is_empty() && !self.permits.is_empty() {
            Decision::Allow
        } else {
            Decision::Deny
        }
    }

    /// The policies that determined the last decision, ascending: the forbids if any applied, else
    /// the permits.
    pub fn reasons(&self) -> &[u32] {
        if self.forbids.is_empty() { &self.permits } else { &self.forbids }
    }

    /// The permits that applied, even where a forbid made them vain.
    pub fn permits(&self) -> &[u32] {
        &self.permits
    }

    /// The forbids that applied.
    pub fn forbids(&self) -> &[u32] {
        &self.forbids
    }

    /// The policies whose evaluation failed, and why.
    pub fn errors(&self) -> &[(u32, EvalError)] {
        &self.errors
    }

    /// The policies whose scope matched.
    pub fn candidates(&self) -> &[u32] {
        &self.candidates.policies
    }

    /// Forgets the last outcome: no reasons, no errors, no candidates.
    pub fn clear(&mut self) {
        self.candidates.policies.clear();
        self.permits.clear();
        self.forbids.clear();
        self.errors.clear();
    }
}
