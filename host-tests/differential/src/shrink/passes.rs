//! What may be left out of a case. Whether it is still a case, Cedar tells when it is asked.

use crate::case::Case;
use crate::expression::Expr;
use crate::policy::{ActionScope, Policy, Scope};

/// What a pass does at a position.
pub(super) enum Step {
    /// There is nothing at this position, nor behind it.
    End,
    /// There is nothing to be left out here.
    Skip,
    /// The case without it.
    Smaller(Box<Case>),
}

/// Leaves out what stands at a position.
type Pass = fn(&Case, usize) -> Step;

/// All of them: first what leaves out most.
pub(super) const PASSES: [Pass; 11] = [
    other_requests,
    policy,
    link,
    clause,
    guest,
    conformity,
    entity,
    detail,
    context,
    scope,
    expression,
];

/// How many replacements an expression has at most.
const REPLACEMENTS: usize = 8;

fn smaller(case: &Case, change: impl FnOnce(&mut Case)) -> Step {
    let mut case = case.clone();
    change(&mut case);
    Step::Smaller(Box::new(case))
}

/// All requests but one.
fn other_requests(case: &Case, at: usize) -> Step {
    match case.requests.get(at) {
        Some(_) if case.requests.len() == 1 => Step::End,
        Some(request) => smaller(case, |case| case.requests = vec![request.clone()]),
        None => Step::End,
    }
}

/// A policy or template, with its links. Those behind it get other ids.
fn policy(case: &Case, at: usize) -> Step {
    if at >= case.policies.len() {
        return Step::End;
    }
    smaller(case, |case| {
        case.policies.remove(at);
        case.links.retain(|link| link.template != at);
        for link in case.links.iter_mut().filter(|link| link.template > at) {
            link.template = link.template.saturating_sub(1);
        }
    })
}

fn link(case: &Case, at: usize) -> Step {
    if at >= case.links.len() {
        return Step::End;
    }
    smaller(case, |case| _ = case.links.remove(at))
}

/// A `when` or `unless`.
fn clause(case: &Case, at: usize) -> Step {
    let mut at = at;
    for (number, policy) in case.policies.iter().enumerate() {
        if at < policy.clauses.len() {
            return smaller(case, |case| {
                case.policies.get_mut(number).map(|policy| policy.clauses.remove(at));
            });
        }
        at = at.saturating_sub(policy.clauses.len());
    }
    Step::End
}

/// That an entity comes with the request.
fn guest(case: &Case, at: usize) -> Step {
    match case.guest {
        Some(_) if at == 0 => smaller(case, |case| case.guest = None),
        _ => Step::End,
    }
}

/// That entities fit the schema, after which more of them can be left out.
fn conformity(case: &Case, at: usize) -> Step {
    if case.conforms && at == 0 { smaller(case, |case| case.conforms = false) } else { Step::End }
}

fn entity(case: &Case, at: usize) -> Step {
    let Some(entity) = case.entities.get(at) else { return Step::End };
    if case.guest.as_ref() == Some(&entity.uid) {
        return Step::Skip;
    }
    smaller(case, |case| _ = case.entities.remove(at))
}

/// An attribute, tag or parent of an entity.
fn detail(case: &Case, at: usize) -> Step {
    let mut at = at;
    for (number, entity) in case.entities.iter().enumerate() {
        let counts = [entity.attrs.len(), entity.tags.len(), entity.parents.len()];
        for (list, count) in counts.into_iter().enumerate() {
            if at >= count {
                at = at.saturating_sub(count);
                continue;
            }
            return smaller(case, |case| {
                let Some(entity) = case.entities.get_mut(number) else { return };
                match list {
                    0 => _ = entity.attrs.remove(at),
                    1 => _ = entity.tags.remove(at),
                    _ => _ = entity.parents.remove(at),
                }
            });
        }
    }
    Step::End
}

/// A field of the one request's context.
fn context(case: &Case, at: usize) -> Step {
    match case.requests.first() {
        Some(request) if at < request.context.len() => smaller(case, |case| {
            case.requests.first_mut().map(|request| request.context.remove(at));
        }),
        _ => Step::End,
    }
}

/// What a policy demands of its principal, action or resource.
fn scope(case: &Case, at: usize) -> Step {
    let number = at / 3;
    let Some(policy) = case.policies.get(number) else { return Step::End };
    let mut wide = policy.clone();
    let scope = match at % 3 {
        0 => &mut wide.principal,
        1 => &mut wide.resource,
        _ => {
            wide.action = ActionScope::Any;
            return match policy.action {
                ActionScope::Any => Step::Skip,
                _ => with_policy(case, number, wide),
            };
        }
    };
    if matches!(scope, Scope::Any) {
        return Step::Skip;
    }
    *scope = Scope::Any;
    with_policy(case, number, wide)
}

fn with_policy(case: &Case, number: usize, policy: Policy) -> Step {
    smaller(case, |case| {
        // Links name what there are slots for; what is no template has none.
        case.links.retain(|link| link.template != number || policy.is_template());
        for link in case.links.iter_mut().filter(|link| link.template == number) {
            link.principal = link.principal.take().filter(|_| policy.has_principal_slot());
            link.resource = link.resource.take().filter(|_| policy.has_resource_slot());
        }
        if let Some(place) = case.policies.get_mut(number) {
            *place = policy;
        }
    })
}

/// An expression, in whose place one of its parts stands, or `true`.
fn expression(case: &Case, at: usize) -> Step {
    let (mut node, replacement) = (at / REPLACEMENTS, at % REPLACEMENTS);
    let mut smaller = case.clone();
    let clauses = smaller.policies.iter_mut().flat_map(|policy| &mut policy.clauses);
    for clause in clauses {
        let Some(expr) = nth(&mut clause.body, &mut node) else { continue };
        let parts = expr.parts();
        let new = match replacement.checked_sub(parts.len()) {
            None => parts.get(replacement).map(|part| (*part).clone()),
            Some(0) if !parts.is_empty() => Some(Expr::Bool(true)),
            Some(_) => None,
        };
        let Some(new) = new else { return Step::Skip };
        *expr = new;
        return Step::Smaller(Box::new(smaller));
    }
    Step::End
}

/// The expression at a position, counted from the outermost; of that, what is left to count.
fn nth<'a>(expr: &'a mut Expr, at: &mut usize) -> Option<&'a mut Expr> {
    if *at == 0 {
        return Some(expr);
    }
    *at = at.saturating_sub(1);
    expr.parts_mut().into_iter().find_map(|part| nth(part, at))
}
