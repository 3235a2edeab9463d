//! The stack machine that runs a policy's condition.
//!
//! The condition was verified when the model was loaded: the stack never runs dry and every jump
//! leads forward. Should that ever fail, it is [`EvalError::Malformed`] and the policy errors.

use super::Query;
use super::call::call;
use crate::model::{Model, Op};
use crate::request::{Pools, Request};
use crate::value::{Field, Span, Sym, Uid, Value};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Why the evaluation of a policy failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// An extension function refused its arguments.
    #[error("an extension function refused its arguments")]
    Extension,
    /// The verifier let something pass that it must not.
    #[error("the compiled policy is malformed")]
    Malformed,
    /// A record or entity has no such attribute.
    #[error("an attribute does not exist")]
    MissingAttribute(Sym),
    /// The entity is not in the store.
    #[error("the entity does not exist")]
    MissingEntity(Uid),
    /// An entity has no such tag.
    #[error("the tag does not exist")]
    MissingTag,
    /// An integer left the range of 64 bits.
    #[error("integer overflow")]
    Overflow,
    /// Values nest deeper than can be compared.
    #[error("the values nest too deep")]
    TooDeep,
    /// A value is of another type than the operation takes.
    #[error("a value is of the wrong type")]
    Type,
}

// === impl EvalError ===

impl EvalError {
    /// The error in words, with the names that it is about.
    #[must_use]
    pub fn describe(self, pools: Pools<'_>) -> String {
        match self {
            Self::MissingAttribute(name) => {
                format!("the attribute `{}` does not exist", pools.name(name))
            }
            Self::MissingEntity(uid) => {
                let (kind, id) = pools
                    .uid(uid)
                    .map_or(("", ""), |uid| (pools.name(uid.kind), pools.text(uid.id)));
                format!("the entity `{kind}::{id:?}` does not exist")
            }
            _ => self.to_string(),
        }
    }
}

type Eval<T> = Result<T, EvalError>;

#[derive(Debug, Default)]
pub(super) struct Machine {
    stack: Vec<Value>,
    /// The fields of a record under construction.
    fields: Vec<Field>,
}

// === impl Machine ===

impl Machine {
    pub fn reserve(&mut self, height: usize) {
        self.stack.clear();
        self.stack.reserve(height);
    }

    /// Whether the condition holds.
    pub fn run(
        &mut self,
        model: &Model,
        request: &mut Request,
        query: &Query,
        condition: Span,
    ) -> Eval<bool> {
        let ops = model.ops(condition);
        if ops.is_empty() {
            return Ok(true);
        }
        let holds = self.steps(model, request, query, ops);
        // Asked also after a failure: it must not be laid at the next policy's door.
        if request.take_too_deep() { Err(EvalError::TooDeep) } else { holds }
    }

    fn steps(
        &mut self,
        model: &Model,
        request: &mut Request,
        query: &Query,
        ops: &[Op],
    ) -> Eval<bool> {
        self.stack.clear();
        let mut at = 0;
        while let Some(op) = ops.get(at) {
            at = at.saturating_add(1);
            // Each arm pushes what it makes: one push for all would take values apart to copy them.
            match op {
                Op::Push(value) => self.stack.push(*value),
                Op::Var(var) => match ops.get(at) {
                    // What is asked of a variable is nearly always an attribute.
                    Some(Op::Attr(name)) => {
                        at = at.saturating_add(1);
                        let pools = Pools { model, request };
                        self.stack.push(*attribute(pools, query.var(*var), *name)?);
                    }
                    _ => self.stack.push(query.var(*var)),
                },
                Op::BranchFalse(target) | Op::BranchTrue(target) => {
                    // Where the left side decides, it is the result.
                    let deciding = matches!(op, Op::BranchTrue(_));
                    if self.bool()? == deciding {
                        at = *target as usize;
                        self.stack.push(Value::Bool(deciding));
                    }
                }
                Op::Jump(target) => at = *target as usize,
                Op::JumpFalse(target) => {
                    if !self.bool()? {
                        at = *target as usize;
                    }
                }
                Op::CheckBool => {
                    let value = self.bool()?;
                    self.stack.push(Value::Bool(value));
                }
                Op::Not => {
                    let value = self.bool()?;
                    self.stack.push(Value::Bool(!value));
                }
                Op::Attr(name) => {
                    let holder = self.pop()?;
                    self.stack.push(*attribute(Pools { model, request }, holder, *name)?);
                }
                Op::Less => self.order(|a, b| a < b)?,
                Op::LessEq => self.order(|a, b| a <= b)?,
                Op::Neg | Op::Add | Op::Sub | Op::Mul => self.arithmetic(op)?,
                Op::Set(count) => self.make_set(model, request, *count)?,
                Op::Record(names) => self.make_record(model, request, *names)?,
                Op::GetTag | Op::Call(_) => {
                    let value = self.make(Pools { model, request }, op)?;
                    self.stack.push(value);
                }
                _ => {
                    let value = self.test(Pools { model, request }, op)?;
                    self.stack.push(Value::Bool(value));
                }
            }
        }
        self.bool()
    }

    /// The instructions that tell whether something holds, and only read the pools.
    fn test(&mut self, pools: Pools<'_>, op: &Op) -> Eval<bool> {
        Ok(match op {
            Op::Has(name) => has(pools, self.pop()?, *name)?,
            Op::HasTag => self.entity_and_tag(pools)?.1.is_some(),
            Op::Eq => {
                let (b, a) = (self.pop()?, self.pop()?);
                pools.compare(&a, &b).is_eq()
            }
            Op::In => {
                let (group, entity) = (self.pop()?, self.pop()?);
                is_in(pools, entity, group)?
            }
            Op::Contains => {
                let (element, set) = (self.pop()?, self.set()?);
                pools.contains(set, &element)
            }
            Op::ContainsAll | Op::ContainsAny => {
                let (wanted, set) = (self.set()?, self.set()?);
                let mut found = pools.values(wanted).iter().map(|value| pools.contains(set, value));
                match op {
                    Op::ContainsAll => found.all(|found| found),
                    _ => found.any(|found| found),
                }
            }
            Op::IsEmpty => self.set()?.len == 0,
            Op::Is(kind) => pools.kind_of(self.entity()?) == Some(*kind),
            Op::Like(pattern) => {
                let Value::Str(text) = self.pop()? else { return Err(EvalError::Type) };
                let pattern = pools.model.pattern(*pattern).ok_or(EvalError::Malformed)?;
                pattern.matches(pools.text(text))
            }
            _ => return Err(EvalError::Malformed),
        })
    }

    /// The instructions that make a value, and only read the pools.
    fn make(&mut self, pools: Pools<'_>, op: &Op) -> Eval<Value> {
        match op {
            Op::GetTag => {
                let (entity, tag) = self.entity_and_tag(pools)?;
                let known = pools.local(entity).is_some() || pools.model.entity(entity).is_some();
                let missing =
                    if known { EvalError::MissingTag } else { EvalError::MissingEntity(entity) };
                tag.ok_or(missing)
            }
            Op::Call(function) => {
                let first = self.stack.len().checked_sub(function.arity());
                let arguments = first.and_then(|first| self.stack.get(first..));
                let result = call(pools, *function, arguments.ok_or(EvalError::Malformed)?)?;
                self.stack.truncate(first.unwrap_or_default());
                Ok(result)
            }
            _ => Err(EvalError::Malformed),
        }
    }

    #[inline]
    fn pop(&mut self) -> Eval<Value> {
        self.stack.pop().ok_or(EvalError::Malformed)
    }

    #[inline]
    fn bool(&mut self) -> Eval<bool> {
        match self.pop()? {
            Value::Bool(value) => Ok(value),
            _ => Err(EvalError::Type),
        }
    }

    fn long(&mut self) -> Eval<i64> {
        match self.pop()? {
            Value::Long(value) => Ok(value),
            _ => Err(EvalError::Type),
        }
    }

    fn set(&mut self) -> Eval<Span> {
        match self.pop()? {
            Value::Set(span) => Ok(span),
            _ => Err(EvalError::Type),
        }
    }

    fn entity(&mut self) -> Eval<Uid> {
        match self.pop()? {
            Value::Entity(uid) => Ok(uid),
            _ => Err(EvalError::Type),
        }
    }

    fn arithmetic(&mut self, op: &Op) -> Eval<()> {
        let b = self.long()?;
        let result = match op {
            Op::Neg => b.checked_neg(),
            Op::Add => self.long()?.checked_add(b),
            Op::Sub => self.long()?.checked_sub(b),
            _ => self.long()?.checked_mul(b),
        };
        self.stack.push(Value::Long(result.ok_or(EvalError::Overflow)?));
        Ok(())
    }

    /// Integers, instants and lengths of time have an order; each only with its like.
    #[inline]
    fn order(&mut self, holds: fn(i64, i64) -> bool) -> Eval<()> {
        let (b, a) = (self.pop()?, self.pop()?);
        match (a, b) {
            (Value::Long(a), Value::Long(b))
            | (Value::Datetime(a), Value::Datetime(b))
            | (Value::Duration(a), Value::Duration(b)) => {
                self.stack.push(Value::Bool(holds(a, b)));
                Ok(())
            }
            _ => Err(EvalError::Type),
        }
    }

    fn make_set(&mut self, model: &Model, request: &mut Request, count: u32) -> Eval<()> {
        let first = self.stack.len().checked_sub(count as usize).ok_or(EvalError::Malformed)?;
        let elements = self.stack.get_mut(first..).ok_or(EvalError::Malformed)?;
        let span = request.set(model, elements);
        self.stack.truncate(first);
        self.stack.push(Value::Set(span));
        Ok(())
    }

    fn make_record(&mut self, model: &Model, request: &mut Request, names: Span) -> Eval<()> {
        let names = model.sym_run(names);
        let first = self.stack.len().checked_sub(names.len()).ok_or(EvalError::Malformed)?;
        let values = self.stack.drain(first..);
        self.fields.clear();
        self.fields
            .extend(names.iter().zip(values).map(|(name, value)| Field { name: *name, value }));
        let record = request.push_fields(self.fields.drain(..));
        self.stack.push(Value::Record(record));
        Ok(())
    }

    /// Pops a tag name and an entity; gives the entity and the tag's value if there is one.
    fn entity_and_tag(&mut self, pools: Pools<'_>) -> Eval<(Uid, Option<Value>)> {
        let (Value::Str(tag), Value::Entity(uid)) = (self.pop()?, self.pop()?) else {
            return Err(EvalError::Type);
        };
        let value = pools.model.entity(uid).and_then(|entity| {
            let name = pools.model.sym(pools.text(tag))?;
            pools.field(entity.tags, name).copied()
        });
        Ok((uid, value))
    }
}

#[inline]
fn attribute<'a>(pools: Pools<'a>, holder: Value, name: Sym) -> Eval<&'a Value> {
    let found = match holder {
        Value::Record(fields) => pools.field(fields, name),
        Value::Entity(uid) => match pools.local(uid) {
            Some(local) => local.attrs.iter().find_map(|attrs| pools.field(*attrs, name)),
            None => {
                let entity = pools.model.entity(uid).ok_or(EvalError::MissingEntity(uid))?;
                pools.field(entity.attrs, name)
            }
        },
        _ => return Err(EvalError::Type),
    };
    found.ok_or(EvalError::MissingAttribute(name))
}

fn has(pools: Pools<'_>, value: Value, name: Sym) -> Eval<bool> {
    match attribute(pools, value, name) {
        Ok(_) => Ok(true),
        Err(EvalError::MissingAttribute(_) | EvalError::MissingEntity(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

fn is_in(pools: Pools<'_>, entity: Value, group: Value) -> Eval<bool> {
    let Value::Entity(entity) = entity else { return Err(EvalError::Type) };
    match group {
        Value::Entity(group) => Ok(pools.is_in(entity, group)),
        Value::Set(groups) => pools.values(groups).iter().try_fold(false, |found, group| {
            let Value::Entity(group) = group else { return Err(EvalError::Type) };
            Ok(found || pools.is_in(entity, *group))
        }),
        _ => Err(EvalError::Type),
    }
}
