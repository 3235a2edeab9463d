//! Policies, templates and their links.

use super::Manner;
use super::dice::Dice;
use super::entities::Cast;
use super::expression::Writer;
use super::paths::Environment;
use crate::case::Link;
use crate::policy::{ActionScope, Clause, Policy, Scope, Target};
use crate::schema::{Applies, Schema};
use crate::uid::Uid;

/// The most policies and templates of a case.
const MOST: usize = 10;

/// The most of a case that has many.
const MANY: usize = 80;

/// The most links of a template.
const LINKS: usize = 3;

/// What a scope is made by.
struct Scoping<'a> {
    schema: &'a Schema,
    cast: &'a Cast,
    /// The type that the policy is written for.
    kind: usize,
    /// Whether it may be none else.
    strict: bool,
    template: bool,
}

/// Policies and templates, and the templates' links.
pub(super) fn policies(
    dice: &mut Dice<'_, '_>,
    schema: &Schema,
    cast: &Cast,
    manner: Manner,
) -> (Vec<Policy>, Vec<Link>) {
    let many = dice.chance(1, 16);
    let count = if many { dice.between(MOST, MANY) } else { dice.between(1, MOST) };
    let (mut policies, mut links) = (Vec::with_capacity(count), Vec::new());
    for at in 0..count {
        let policy = policy(dice, schema, cast, manner);
        if policy.is_template() {
            let count = dice.below(LINKS.saturating_add(1));
            links.extend((0..count).map(|link| Link {
                id: format!("link{at}-{link}"),
                template: at,
                principal: policy.has_principal_slot().then(|| cast.anyone(dice)),
                resource: policy.has_resource_slot().then(|| cast.anyone(dice)),
            }));
        }
        policies.push(policy);
    }
    (policies, links)
}

fn policy(dice: &mut Dice<'_, '_>, schema: &Schema, cast: &Cast, manner: Manner) -> Policy {
    let (action, applies) = applying(dice, schema);
    let environment = Environment {
        action,
        principal: dice.pick(&applies.principals),
        resource: dice.pick(&applies.resources),
        context: &applies.context,
    };
    let template = dice.chance(1, 5);
    let scoping =
        |kind, many: bool| Scoping { schema, cast, kind, strict: manner.careful && many, template };
    let principal = scoping(environment.principal, applies.principals.len() > 1).scope(dice);
    let resource = scoping(environment.resource, applies.resources.len() > 1).scope(dice);
    let permits = dice.chance(2, 3);
    let scope = action_scope(dice, schema, cast, environment.action, manner);
    let kinds: Vec<_> = (0..dice.below(3)).map(|_| dice.chance(1, 3)).collect();
    let mut writer = Writer::new(dice, schema, cast, manner, environment);
    let clauses = kinds.into_iter().map(|unless| Clause { unless, body: writer.condition() });
    let clauses = clauses.collect();
    Policy { permits, principal, action: scope, resource, clauses }
}

/// An action that applies to something.
fn applying<'a>(dice: &mut Dice<'_, '_>, schema: &'a Schema) -> (usize, &'a Applies) {
    const NOTHING: &Applies =
        &Applies { principals: Vec::new(), resources: Vec::new(), context: Vec::new() };
    let actions = schema.actions.iter().enumerate();
    let all: Vec<_> =
        actions.filter_map(|(at, action)| Some((at, action.applies.as_ref()?))).collect();
    dice.choose(&all).copied().unwrap_or((0, NOTHING))
}

fn action_scope(
    dice: &mut Dice<'_, '_>,
    schema: &Schema,
    cast: &Cast,
    action: usize,
    manner: Manner,
) -> ActionScope {
    let own = schema.action_uid(action);
    let sound = if manner.careful { 7 } else { 4 };
    match dice.below(10) {
        at if at < sound => match dice.below(3) {
            0 | 1 => ActionScope::Eq(own),
            _ => ActionScope::InList(vec![own]),
        },
        7 => ActionScope::Any,
        8 => ActionScope::In(cast.action(dice)),
        9 => {
            let count = dice.between(0, 3);
            ActionScope::InList((0..count).map(|_| cast.action(dice)).collect())
        }
        _ => match dice.below(3) {
            0 => ActionScope::Any,
            1 => ActionScope::In(own),
            _ => ActionScope::Eq(Uid::new(schema.action_kind(), "unknown")),
        },
    }
}

// === impl Scoping ===

impl Scoping<'_> {
    fn scope(&self, dice: &mut Dice<'_, '_>) -> Scope {
        let kind = self.schema.kind_name(self.kind);
        let choice = if self.strict { dice.between(4, 8) } else { dice.below(9) };
        match choice {
            0..=2 if !self.template => Scope::Any,
            0..=3 => Scope::In(self.target(dice)),
            4 => Scope::Eq(match self.target(dice) {
                Target::Slot => Target::Slot,
                Target::Uid(_) => Target::Uid(self.cast.of_kind(dice, self.kind)),
            }),
            5 | 6 if !self.template => Scope::Is(kind),
            _ => Scope::IsIn(kind, self.target(dice)),
        }
    }

    fn target(&self, dice: &mut Dice<'_, '_>) -> Target {
        if self.template && dice.chance(3, 4) {
            return Target::Slot;
        }
        Target::Uid(self.cast.anyone(dice))
    }
}
