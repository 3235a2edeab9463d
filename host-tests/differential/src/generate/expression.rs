//! Expressions of a type.

mod boolean;
mod known;
mod odd;

use super::Manner;
use super::dice::Dice;
use super::entities::Cast;
use super::paths::{Environment, Path, paths};
use super::schema::any_type;
use super::texts;
use super::values::Values;
use crate::expression::{BinOp, Expr, UnOp};
use crate::schema::{Ext, Field, Schema, Type};
use crate::value::Value;
use cedarkey_engine::ext::ExtFn;

/// Writes the expressions of a policy.
pub(super) struct Writer<'a, 'd, 'u, 'b> {
    dice: &'d mut Dice<'u, 'b>,
    schema: &'a Schema,
    cast: &'a Cast,
    manner: Manner,
    paths: Vec<Path>,
    /// How many more expressions there may be; when there are none left, only the simplest.
    left: usize,
}

/// How deep an expression nests, unless it is a chain.
const DEPTH: usize = 5;

/// How many expressions a condition is made of, about.
const EXPRESSIONS: usize = 40;

impl<'a, 'd, 'u, 'b> Writer<'a, 'd, 'u, 'b> {
    pub fn new(
        dice: &'d mut Dice<'u, 'b>,
        schema: &'a Schema,
        cast: &'a Cast,
        manner: Manner,
        environment: Environment<'_>,
    ) -> Self {
        Self { dice, schema, cast, manner, paths: paths(schema, environment), left: 0 }
    }

    /// The body of a `when` or `unless`.
    pub fn condition(&mut self) -> Expr {
        self.left = EXPRESSIONS;
        let depth = self.dice.between(1, DEPTH);
        self.expr(&Type::Bool, depth)
    }

    /// An expression of a type, or, where it may be wrong, sometimes of another.
    fn expr(&mut self, ty: &Type, depth: usize) -> Expr {
        let wrong = self.manner.wrong;
        if wrong > 0 && self.dice.chance(wrong, 256) {
            return self.odd(depth);
        }
        self.left = self.left.saturating_sub(1);
        if depth == 0 || self.left == 0 {
            return self.simple(ty);
        }
        let depth = depth.saturating_sub(1);
        match self.dice.below(10) {
            0..=2 if *ty != Type::Bool => self.simple(ty),
            0 => self.choice(ty, depth),
            1 => self.member(ty, depth),
            _ => self.composed(ty, depth),
        }
    }

    /// An expression that shows its type.
    fn composed(&mut self, ty: &Type, depth: usize) -> Expr {
        match ty {
            Type::Bool => self.boolean(depth),
            Type::Long => self.long(depth),
            Type::Str | Type::Entity(_) | Type::Action => self.simple(ty),
            Type::Ext(ext) => self.extension(*ext, depth),
            Type::Set(inner) => {
                let count = self.dice.between(1, 3);
                Expr::Set((0..count).map(|_| self.expr(inner, depth)).collect())
            }
            Type::Record(fields) => self.record(fields, depth),
        }
    }

    /// A literal, or what lies at the end of a way.
    fn simple(&mut self, ty: &Type) -> Expr {
        if self.dice.chance(2, 3) {
            let fits: Vec<_> = self.paths.iter().filter(|path| path.ty == *ty).collect();
            if let Some(path) = self.dice.choose(&fits) {
                return self.read((*path).clone());
            }
        }
        self.literal(ty)
    }

    /// What lies at the end of a way, if that is there; who is careful asks first.
    fn read(&mut self, path: Path) -> Expr {
        let all = path.guards.into_iter().reduce(|a, b| Expr::binary(BinOp::And, a, b));
        let Some(guards) = all.filter(|_| self.manner.careful || self.dice.flip()) else {
            return path.expr;
        };
        if path.ty == Type::Bool && self.dice.flip() {
            return Expr::binary(BinOp::And, guards, path.expr);
        }
        let other = self.literal(&path.ty);
        Expr::choice(guards, path.expr, other)
    }

    fn literal(&mut self, ty: &Type) -> Expr {
        let values = Values { schema: self.schema, cast: self.cast, wrong: 0 };
        let value = match ty {
            // The validator wants to know what an empty set is one of.
            Type::Set(inner) if self.manner.careful => {
                Value::Set(vec![values.value(self.dice, inner)])
            }
            Type::Ext(ext) if !self.manner.careful && self.dice.chance(1, 4) => {
                let function = ext.constructor();
                Value::Ext(function, texts::any_argument(self.dice, function))
            }
            ty => values.value(self.dice, ty),
        };
        Expr::from(&value)
    }

    fn record(&mut self, fields: &[Field], depth: usize) -> Expr {
        let field = |field: &Field| (field.name.clone(), self.expr(&field.ty, depth));
        Expr::Record(fields.iter().map(field).collect())
    }

    /// `if c then a else b`
    fn choice(&mut self, ty: &Type, depth: usize) -> Expr {
        let condition = self.expr(&Type::Bool, depth);
        Expr::choice(condition, self.expr(ty, depth), self.expr(ty, depth))
    }

    /// `{.., name: e}.name`
    fn member(&mut self, ty: &Type, depth: usize) -> Expr {
        let count = self.dice.between(1, 3);
        let names = self.dice.some(&texts::NAMES, count);
        let mut fields: Vec<_> = names.iter().map(|name| (String::from(*name), ty)).collect();
        let name = self.dice.pick(&names);
        let other = any_type(self.dice, self.schema);
        for (field, ty) in &mut fields {
            if field != name {
                *ty = &other;
            }
        }
        let fields = fields.into_iter().map(|(name, ty)| (name, self.expr(ty, depth)));
        Expr::Record(fields.collect()).attr(name)
    }

    fn long(&mut self, depth: usize) -> Expr {
        let duration = Type::Ext(Ext::Duration);
        let (add, sub, mul) = (BinOp::Add, BinOp::Sub, BinOp::Mul);
        match self.dice.below(10) {
            0 | 1 => self.pair(add, &Type::Long, depth),
            2 | 3 => self.pair(sub, &Type::Long, depth),
            4 | 5 => self.pair(mul, &Type::Long, depth),
            6 | 7 => Expr::unary(UnOp::Neg, self.expr(&Type::Long, depth)),
            _ => {
                let functions = [
                    ExtFn::ToDays,
                    ExtFn::ToHours,
                    ExtFn::ToMinutes,
                    ExtFn::ToSeconds,
                    ExtFn::ToMilliseconds,
                ];
                let at = self.dice.below(functions.len());
                let function = functions.get(at).copied().unwrap_or(ExtFn::ToDays);
                Expr::Call(function, vec![self.expr(&duration, depth)])
            }
        }
    }

    fn extension(&mut self, ext: Ext, depth: usize) -> Expr {
        let function = ext.constructor();
        let [datetime, duration] = [Ext::Datetime, Ext::Duration].map(Type::Ext);
        match (ext, self.dice.below(5)) {
            // The validator takes nothing but literals.
            (_, 0) if !self.manner.careful => {
                Expr::Call(function, vec![self.expr(&Type::Str, depth)])
            }
            (Ext::Datetime, 1 | 2) => {
                let (at, length) = (self.expr(&datetime, depth), self.expr(&duration, depth));
                Expr::Call(ExtFn::Offset, vec![at, length])
            }
            (Ext::Datetime, 3) => Expr::Call(ExtFn::ToDate, vec![self.expr(&datetime, depth)]),
            (Ext::Duration, 1 | 2) => {
                let (at, since) = (self.expr(&datetime, depth), self.expr(&datetime, depth));
                Expr::Call(ExtFn::DurationSince, vec![at, since])
            }
            (Ext::Duration, 3) => Expr::Call(ExtFn::ToTime, vec![self.expr(&datetime, depth)]),
            _ => self.simple(&Type::Ext(ext)),
        }
    }

    /// An operator between two expressions of a type.
    fn pair(&mut self, op: BinOp, ty: &Type, depth: usize) -> Expr {
        let left = self.expr(ty, depth);
        Expr::binary(op, left, self.expr(ty, depth))
    }

    /// The type of some entity that the schema knows.
    fn entity_type(&mut self) -> Type {
        match self.dice.below(8) {
            0 => Type::Action,
            _ => Type::Entity(self.dice.below(self.schema.kinds.len())),
        }
    }

    /// The full name of a type of entities.
    fn kind_name(&mut self) -> String {
        match self.dice.below(self.schema.kinds.len().saturating_add(1)) {
            0 if self.schema.kinds.is_empty() => self.schema.action_kind(),
            at if at >= self.schema.kinds.len() => self.schema.action_kind(),
            at => self.schema.kind_name(at),
        }
    }
}
