//! Values of a type.

use super::dice::Dice;
use super::entities::Cast;
use super::schema::any_type;
use super::texts;
use crate::schema::{Ext, Field, Schema, Type};
use crate::value::Value;
use cedarkey_engine::ext::ExtFn;

/// What values are made by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values<'a> {
    pub schema: &'a Schema,
    pub cast: &'a Cast,
    /// How many of 256 are of another type than they should be, or missing, or too many.
    pub wrong: usize,
}

/// How deep a value may nest that is to nest deep.
const DEEP: usize = 24;

// === impl Values ===

impl Values<'_> {
    /// A value of a type, or, where it may be wrong, sometimes of another.
    pub fn value(&self, dice: &mut Dice<'_, '_>, ty: &Type) -> Value {
        if self.wrong > 0 && dice.chance(self.wrong, 256) {
            return self.wrong_value(dice);
        }
        match ty {
            Type::Bool => Value::Bool(dice.flip()),
            Type::Long => Value::Long(texts::long(dice)),
            Type::Str => Value::Str(texts::string(dice)),
            Type::Ext(ext) => {
                let function = ext.constructor();
                Value::Ext(function, texts::argument(dice, function))
            }
            Type::Entity(kind) => Value::Entity(self.cast.of_kind(dice, *kind)),
            Type::Action => Value::Entity(self.cast.action(dice)),
            Type::Set(inner) => {
                let count = dice.below(4);
                Value::Set((0..count).map(|_| self.value(dice, inner)).collect())
            }
            Type::Record(fields) => Value::Record(self.record(dice, fields)),
        }
    }

    /// The fields of a record or an entity.
    pub fn record(&self, dice: &mut Dice<'_, '_>, fields: &[Field]) -> Vec<(String, Value)> {
        let mut made = Vec::with_capacity(fields.len());
        for field in fields {
            let missing = self.wrong > 0 && dice.chance(self.wrong, 256);
            if missing || field.optional && dice.flip() {
                continue;
            }
            made.push((field.name.clone(), self.value(dice, &field.ty)));
        }
        if self.wrong > 0 && dice.chance(self.wrong, 256) {
            let name = dice.pick(&texts::NAMES);
            if !made.iter().any(|(known, _)| known == name) {
                made.push((name.into(), self.wrong_value(dice)));
            }
        }
        made
    }

    /// A value of any type.
    fn wrong_value(&self, dice: &mut Dice<'_, '_>) -> Value {
        match dice.below(8) {
            0 => {
                let count = dice.below(4);
                Value::Set((0..count).map(|_| self.wrong_value(dice)).collect())
            }
            1 => self.deep(dice),
            2 => Value::Entity(self.cast.anyone(dice)),
            _ => {
                let ty = any_type(dice, self.schema);
                Values { wrong: 0, ..*self }.value(dice, &ty)
            }
        }
    }

    /// Sets and records in each other.
    fn deep(&self, dice: &mut Dice<'_, '_>) -> Value {
        let depth = dice.below(DEEP);
        let innermost = Value::Long(texts::long(dice));
        (0..depth).fold(innermost, |value, _| {
            if dice.flip() {
                Value::Set(vec![value])
            } else {
                Value::Record(vec![(dice.pick(&texts::NAMES).into(), value)])
            }
        })
    }
}

// === impl Ext ===

impl Ext {
    /// What makes values of it.
    pub(super) const fn constructor(self) -> ExtFn {
        match self {
            Self::Datetime => ExtFn::Datetime,
            Self::Decimal => ExtFn::Decimal,
            Self::Duration => ExtFn::Duration,
            Self::Ip => ExtFn::Ip,
        }
    }
}
