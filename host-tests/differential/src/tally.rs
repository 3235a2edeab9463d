//! What was generated, and what came of it.

use crate::case::Case;
use crate::compare::Agreed;
use crate::expression::Expr;
use crate::policy::{ActionScope, Policy, Scope, Target};
use serde::Serialize;
use std::collections::BTreeMap;

/// What was counted.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Tally {
    /// Cases.
    pub cases: u64,
    /// Requests that both answered alike.
    pub requests: u64,
    /// Requests that were allowed.
    pub allowed: u64,
    /// Requests that a forbid denied.
    pub forbidden: u64,
    /// Requests that were forbidden while some permit applied.
    pub overruled: u64,
    /// Requests that several policies determined.
    pub by_several: u64,
    /// Requests in which the evaluation of some policy failed.
    pub failing: u64,
    /// Cases whose policies were given to Cedar's validator.
    pub validated: u64,
    /// Those that passed it.
    pub valid: u64,
    /// Each construct, and how often it was generated.
    pub constructs: BTreeMap<&'static str, u64>,
}

// === impl Tally ===

impl Tally {
    /// Counts a case and its answers.
    pub fn count(&mut self, case: &Case, answers: &[Agreed]) {
        add(&mut self.cases, true);
        for Agreed { answer, overruled } in answers {
            add(&mut self.requests, true);
            add(&mut self.allowed, answer.allow);
            add(&mut self.forbidden, !answer.allow && !answer.reasons.is_empty());
            add(&mut self.overruled, *overruled);
            add(&mut self.by_several, answer.reasons.len() > 1);
            add(&mut self.failing, !answer.errors.is_empty());
        }
        case.policies.iter().for_each(|policy| self.policy(policy));
        self.construct("link", case.links.len());
        self.construct("guest", usize::from(case.guest.is_some()));
        self.construct("store within the schema", usize::from(case.conforms));
        self.construct("store beyond the schema", usize::from(!case.conforms));
        let listed = case.schema.kinds.iter().filter(|kind| !kind.ids.is_empty());
        self.construct("type that lists its ids", listed.count());
    }

    /// Counts what Cedar's validator said.
    pub fn validate(&mut self, valid: bool) {
        add(&mut self.validated, true);
        add(&mut self.valid, valid);
    }

    /// Adds what another counted.
    pub fn add(&mut self, other: &Self) {
        let pairs = [
            (&mut self.cases, other.cases),
            (&mut self.requests, other.requests),
            (&mut self.allowed, other.allowed),
            (&mut self.forbidden, other.forbidden),
            (&mut self.overruled, other.overruled),
            (&mut self.by_several, other.by_several),
            (&mut self.failing, other.failing),
            (&mut self.validated, other.validated),
            (&mut self.valid, other.valid),
        ];
        for (sum, more) in pairs {
            *sum = sum.saturating_add(more);
        }
        for (name, count) in &other.constructs {
            let sum = self.constructs.entry(name).or_default();
            *sum = sum.saturating_add(*count);
        }
    }

    /// How often a construct was generated.
    pub fn of(&self, construct: &str) -> u64 {
        self.constructs.get(construct).copied().unwrap_or_default()
    }

    fn policy(&mut self, policy: &Policy) {
        self.construct(if policy.permits { "permit" } else { "forbid" }, 1);
        self.construct(scope("principal", &policy.principal), 1);
        self.construct(scope("resource", &policy.resource), 1);
        let action = match &policy.action {
            ActionScope::Any => "scope action",
            ActionScope::Eq(_) => "scope action ==",
            ActionScope::In(_) => "scope action in",
            ActionScope::InList(_) => "scope action in []",
        };
        self.construct(action, 1);
        for clause in &policy.clauses {
            self.construct(if clause.unless { "unless" } else { "when" }, 1);
            clause.body.visit(&mut |expr: &Expr| self.construct(expr.name(), 1));
        }
    }

    fn construct(&mut self, name: &'static str, times: usize) {
        let count = self.constructs.entry(name).or_default();
        *count = count.saturating_add(u64::try_from(times).unwrap_or(u64::MAX));
    }
}

fn add(count: &mut u64, counts: bool) {
    *count = count.saturating_add(u64::from(counts));
}

/// The name of a scope.
pub fn scope(var: &str, scope: &Scope) -> &'static str {
    let principal = var == "principal";
    let slot = |target: &Target| matches!(target, Target::Slot);
    match scope {
        Scope::Any if principal => "scope principal",
        Scope::Any => "scope resource",
        Scope::Is(_) if principal => "scope principal is",
        Scope::Is(_) => "scope resource is",
        Scope::Eq(to) if slot(to) && principal => "slot principal ==",
        Scope::Eq(to) if slot(to) => "slot resource ==",
        Scope::Eq(_) if principal => "scope principal ==",
        Scope::Eq(_) => "scope resource ==",
        Scope::In(to) if slot(to) && principal => "slot principal in",
        Scope::In(to) if slot(to) => "slot resource in",
        Scope::In(_) if principal => "scope principal in",
        Scope::In(_) => "scope resource in",
        Scope::IsIn(_, to) if slot(to) && principal => "slot principal is in",
        Scope::IsIn(_, to) if slot(to) => "slot resource is in",
        Scope::IsIn(..) if principal => "scope principal is in",
        Scope::IsIn(..) => "scope resource is in",
    }
}
