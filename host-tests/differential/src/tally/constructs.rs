//! The constructs that cases are made of, by name.

use crate::case::{Case, Entity};
use crate::expression::{BinOp, Expr, Piece, UnOp, Var};
use crate::policy::{ActionScope, Policy, Scope, Target};
use crate::uid::Uid;
use crate::value::Value;
use cedarkey_engine::ext::{ExtFn, datetime, decimal, duration, ip};
use std::collections::HashMap;

/// What else a policy or an expression in it may be.
const FORMS: [&str; 13] = [
    "permit",
    "forbid",
    "template",
    "when",
    "unless",
    "several clauses",
    "text beyond ASCII",
    "text with escapes",
    "integer at the edge",
    "extension function with a bad text",
    "extension function with a wrong number of arguments",
    "pattern with a star as text",
    "expression deeper than 20",
];

/// What scopes there are, but for the slots.
const SCOPES: [&str; 14] = [
    "scope principal",
    "scope principal ==",
    "scope principal in",
    "scope principal is",
    "scope principal is in",
    "scope resource",
    "scope resource ==",
    "scope resource in",
    "scope resource is",
    "scope resource is in",
    "scope action",
    "scope action ==",
    "scope action in",
    "scope action in []",
];

const SLOTS: [&str; 6] = [
    "slot principal ==",
    "slot principal in",
    "slot principal is in",
    "slot resource ==",
    "slot resource in",
    "slot resource is in",
];

const EXPRESSIONS: [&str; 12] = [
    "Bool", "Long", "String", "Entity", "if", ".", "has", "has path", "like", "is", "is in", "Set",
];

/// From here on, an integer lies at the edge of its range.
const EDGE: u64 = i64::MAX.unsigned_abs();

/// What a case may have besides policies.
const CASES: [&str; 13] = [
    "link",
    "guest",
    "store within the schema",
    "store beyond the schema",
    "more than 20 policies",
    "type that lists its ids",
    "entity with tags",
    "entity with several parents",
    "parent that is not there",
    "chain of more than 10 parents",
    "value of an extension type",
    "request of an entity that is not there",
    "request for an entity that is not there",
];

/// All constructs of policies.
pub fn all_of_policies() -> Vec<&'static str> {
    let names = [&FORMS[..], &SCOPES, &SLOTS, &EXPRESSIONS, &["Record"]].concat();
    let variables = Var::ALL.iter().map(|var| var.name());
    let operators =
        UnOp::ALL.iter().map(|op| op.name()).chain(BinOp::ALL.iter().map(|op| op.name()));
    let functions = ExtFn::ALL.iter().map(|function| function.name());
    names.into_iter().chain(variables).chain(operators).chain(functions).collect()
}

/// All constructs of cases besides those of policies.
pub fn all_of_cases() -> &'static [&'static str] {
    &CASES
}

/// Names each construct of a policy, as often as it has it.
pub fn of_policy(policy: &Policy, name: &mut impl FnMut(&'static str)) {
    name(if policy.permits { "permit" } else { "forbid" });
    name(of_scope(true, &policy.principal));
    name(of_scope(false, &policy.resource));
    name(match &policy.action {
        ActionScope::Any => "scope action",
        ActionScope::Eq(_) => "scope action ==",
        ActionScope::In(_) => "scope action in",
        ActionScope::InList(_) => "scope action in []",
    });
    if policy.is_template() {
        name("template");
    }
    if policy.clauses.len() > 1 {
        name("several clauses");
    }
    for clause in &policy.clauses {
        name(if clause.unless { "unless" } else { "when" });
        if clause.body.depth() > 20 {
            name("expression deeper than 20");
        }
        clause.body.visit(&mut |expr: &Expr| {
            name(expr.name());
            of_form(expr, name);
        });
    }
}

/// Names each construct of a case besides those of its policies, and how often it has it.
pub fn of_case(case: &Case, name: &mut impl FnMut(&'static str, usize)) {
    name("link", case.links.len());
    name("guest", usize::from(case.guest.is_some()));
    name("store within the schema", usize::from(case.conforms));
    name("store beyond the schema", usize::from(!case.conforms));
    name("more than 20 policies", usize::from(case.policies.len() > 20));
    let listed = case.schema.kinds.iter().filter(|kind| !kind.ids.is_empty());
    name("type that lists its ids", listed.count());
    let entities = |which: fn(&Entity) -> bool| case.entities.iter().filter(|it| which(it)).count();
    name("entity with tags", entities(|entity| !entity.tags.is_empty()));
    name("entity with several parents", entities(|entity| entity.parents.len() > 1));
    let is_there = |uid: &Uid| case.entities.iter().any(|entity| entity.uid == *uid);
    let parents = case.entities.iter().flat_map(|entity| &entity.parents);
    name("parent that is not there", parents.filter(|parent| !is_there(parent)).count());
    name("chain of more than 10 parents", usize::from(longest_chain(&case.entities) > 10));
    let values = case.entities.iter().flat_map(|entity| entity.attrs.iter().chain(&entity.tags));
    let values = values.chain(case.requests.iter().flat_map(|request| &request.context));
    let extended = values.filter(|(_, value)| matches!(value, Value::Ext(..)));
    name("value of an extension type", extended.count());
    let requests = || case.requests.iter();
    let missing = requests().filter(|request| !is_there(&request.principal));
    name("request of an entity that is not there", missing.count());
    let missing = requests().filter(|request| !is_there(&request.resource));
    name("request for an entity that is not there", missing.count());
}

fn of_scope(principal: bool, scope: &Scope) -> &'static str {
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

/// Names what is special about an expression, whatever its construct.
fn of_form(expr: &Expr, name: &mut impl FnMut(&'static str)) {
    let has = |text: &str, c: &[char]| text.contains(c);
    let forms = [
        ("text beyond ASCII", matches!(expr, Expr::Str(text) if !text.is_ascii())),
        (
            "text with escapes",
            matches!(expr, Expr::Str(text) if has(text, &['"', '\\', '\n', '\0'])),
        ),
        ("integer at the edge", matches!(expr, Expr::Long(it) if it.unsigned_abs() >= EDGE)),
        (
            "pattern with a star as text",
            matches!(expr, Expr::Like(_, pieces)
            if pieces.iter().any(|it| matches!(it, Piece::Text(text) if has(text, &['*'])))),
        ),
        (
            "extension function with a bad text",
            matches!(expr, Expr::Call(function, arguments)
            if matches!(&**arguments, [Expr::Str(text)] if !reads(*function, text))),
        ),
        (
            "extension function with a wrong number of arguments",
            matches!(expr, Expr::Call(function, arguments)
            if arguments.len() != function.arity()),
        ),
    ];
    forms.into_iter().filter(|(_, is_it)| *is_it).for_each(|(form, _)| name(form));
}

/// Whether a function makes a value of a text.
fn reads(function: ExtFn, text: &str) -> bool {
    match function {
        ExtFn::Datetime => datetime::parse(text).is_ok(),
        ExtFn::Decimal => decimal::parse(text).is_ok(),
        ExtFn::Duration => duration::parse(text).is_ok(),
        ExtFn::Ip => ip::parse(text).is_ok(),
        _ => false,
    }
}

/// How many entities are in each other at most. Parents stand before children.
fn longest_chain(entities: &[Entity]) -> usize {
    let mut lengths: HashMap<&Uid, usize> = HashMap::new();
    for entity in entities {
        let above = entity.parents.iter().filter_map(|parent| lengths.get(parent)).max();
        let length = above.copied().unwrap_or_default().saturating_add(1);
        lengths.insert(&entity.uid, length);
    }
    lengths.into_values().max().unwrap_or_default()
}
