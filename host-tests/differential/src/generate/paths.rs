//! The ways that lead from a request to its values.

use super::texts::NAMES;
use crate::expression::{BinOp, Expr, Var};
use crate::schema::{Field, Schema, Type};

/// What a policy is written for: one action, and the types of principal and resource.
#[derive(Clone, Copy, Debug)]
pub(super) struct Environment<'a> {
    pub action: usize,
    pub principal: usize,
    pub resource: usize,
    pub context: &'a [Field],
}

/// A way to a value.
#[derive(Clone, Debug)]
pub(super) struct Path {
    /// How to get there.
    pub expr: Expr,
    /// What is there.
    pub ty: Type,
    /// What must hold for it to be there.
    pub guards: Vec<Expr>,
    steps: usize,
}

/// How far ways lead.
const STEPS: usize = 3;

/// How many ways are looked for.
const MOST: usize = 90;

/// All ways, the shortest first.
pub(super) fn paths(schema: &Schema, environment: Environment<'_>) -> Vec<Path> {
    let root = |var, ty| Path { expr: Expr::Var(var), ty, guards: Vec::new(), steps: 0 };
    let mut paths = vec![
        root(Var::Principal, Type::Entity(environment.principal)),
        root(Var::Resource, Type::Entity(environment.resource)),
        root(Var::Context, Type::Record(environment.context.to_vec())),
        root(Var::Action, Type::Action),
    ];
    let mut at = 0;
    while let Some(from) = paths.get(at).cloned() {
        at = at.saturating_add(1);
        if from.steps >= STEPS || paths.len() >= MOST {
            continue;
        }
        match &from.ty {
            Type::Record(fields) => {
                paths.extend(fields.iter().map(|field| from.field(field)));
            }
            Type::Entity(kind) => {
                let Some(kind) = schema.kinds.get(*kind) else { continue };
                paths.extend(kind.attrs.iter().map(|field| from.field(field)));
                if let Some(tags) = &kind.tags {
                    paths.extend(NAMES.iter().take(3).map(|name| from.tag(name, tags)));
                }
            }
            _ => {}
        }
    }
    paths
}

// === impl Path ===

impl Path {
    fn field(&self, field: &Field) -> Self {
        let mut guards = self.guards.clone();
        if field.optional {
            guards.push(Expr::Has(Box::new(self.expr.clone()), vec![field.name.clone()]));
        }
        Self { guards, ..self.step(self.expr.clone().attr(&field.name), &field.ty) }
    }

    fn tag(&self, name: &str, ty: &Type) -> Self {
        let tag = |op| Expr::binary(op, self.expr.clone(), Expr::Str(name.into()));
        let mut guards = self.guards.clone();
        guards.push(tag(BinOp::HasTag));
        Self { guards, ..self.step(tag(BinOp::GetTag), ty) }
    }

    fn step(&self, expr: Expr, ty: &Type) -> Self {
        Self { expr, ty: ty.clone(), guards: Vec::new(), steps: self.steps.saturating_add(1) }
    }
}
