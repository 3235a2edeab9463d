//! The machine that runs a policy's condition, step by step.
//!
//! The condition was verified when the model was loaded: the stack never runs dry and every way
//! leads forward. Should that ever fail, it is [`EvalError::Malformed`] and the policy errors.

use super::call::call;
use super::{EvalError, Query};
use crate::model::image::Var;
use crate::model::program::{Exit, Pair, Single, Source, Step};
use crate::model::{Model, Op};
use crate::request::{Pools, Request};
use crate::value::{Field, Span, Sym, Uid, Value};
use alloc::vec::Vec;

type Eval<T> = Result<T, EvalError>;

/// The variables of a request, as values, in the order of [`Var`].
#[derive(Debug)]
pub(super) struct Variables([Value; 4]);

#[derive(Debug, Default)]
pub(super) struct Machine {
    stack: Vec<Value>,
    /// The fields of a record under construction.
    fields: Vec<Field>,
}

// === impl Variables ===

impl Variables {
    pub fn of(query: &Query) -> Self {
        Self([
            Value::Entity(query.action),
            Value::Record(query.context),
            Value::Entity(query.principal),
            Value::Entity(query.resource),
        ])
    }

    #[inline]
    fn get(&self, var: Var) -> &Value {
        let [action, ..] = &self.0;
        // There are as many as there are variables: the other never is.
        self.0.get(var as usize).unwrap_or(action)
    }
}

// === impl Machine ===

impl Machine {
    pub fn reserve(&mut self, height: usize) {
        self.stack.clear();
        self.stack.reserve(height);
    }

    /// Whether a policy's condition holds.
    pub fn run(
        &mut self,
        model: &Model,
        request: &mut Request,
        variables: &Variables,
        policy: u32,
    ) -> Eval<bool> {
        let steps = model.program().condition(policy);
        if steps.is_empty() {
            return Ok(true);
        }
        let holds = self.steps(model, request, variables, steps);
        // Asked also after a failure: it must not be laid at the next policy's door.
        if request.take_too_deep() { Err(EvalError::TooDeep) } else { holds }
    }

    fn steps(
        &mut self,
        model: &Model,
        request: &mut Request,
        variables: &Variables,
        steps: &[Step],
    ) -> Eval<bool> {
        self.stack.clear();
        let mut at = 0_u32;
        while let Some(step) = steps.get(at as usize) {
            let pools = Pools { model, request };
            let (holds, [if_not, if_so]) = match step {
                Step::Pair(pair, left, right, exits) => {
                    let left = self.operand(pools, variables, *left, 0)?;
                    let right = self.operand(pools, variables, *right, 0)?;
                    (compare(pools, *pair, left, right)?, exits)
                }
                Step::StackPair(pair, left, right, exits) => {
                    let (right_below, left_below) = (right.height(), left.height());
                    let all = right_below.saturating_add(left_below);
                    let left = self.fetch(pools, variables, *left, all)?;
                    let right = self.fetch(pools, variables, *right, right_below)?;
                    let holds = compare_fetched(pools, *pair, left, right)?;
                    self.drop(all);
                    (holds, exits)
                }
                Step::Single(single, source, exits) => {
                    let height = source.height();
                    let value = self.fetch(pools, variables, *source, height)?;
                    let holds = match single {
                        Single::Has(name) => has(pools, value, *name)?,
                        Single::Is(kind) => is(pools, value, *kind)?,
                        Single::Truth => truth(value)?,
                    };
                    self.drop(height);
                    (holds, exits)
                }
                Step::Test(op, exits) => (self.test(pools, *op)?, exits),
                Step::Pop(exits) => (truth(&self.pop()?)?, exits),
                Step::Jump(to) => {
                    at = *to;
                    continue;
                }
                Step::Push(source, to) => {
                    let value = *self.fetch(pools, variables, *source, source.height())?;
                    self.stack.push(value);
                    at = *to;
                    continue;
                }
                Step::Make(op) => {
                    self.make(model, request, *op)?;
                    at = at.saturating_add(1);
                    continue;
                }
            };
            at = match if holds { if_so } else { if_not } {
                Exit::End(holds) => return Ok(*holds),
                Exit::Go(to) => *to,
                Exit::Push(truth, to) => {
                    self.stack.push(Value::Bool(*truth));
                    *to
                }
            };
        }
        truth(&self.pop()?)
    }

    /// An operand; one that is on the stack lies so many values below its top.
    #[inline(always)]
    fn operand<'a>(
        &'a self,
        pools: Pools<'a>,
        variables: &'a Variables,
        source: Source,
        below: usize,
    ) -> Eval<&'a Value> {
        match source {
            Source::Attr(var, name) => return attribute(pools, variables.get(var), name),
            Source::Constant(at) => pools.model.program().constant(at),
            Source::Stack => self.stack.len().checked_sub(below).and_then(|at| self.stack.get(at)),
            Source::Var(var) => return Ok(variables.get(var)),
        }
        .ok_or(EvalError::Malformed)
    }

    /// The same, where it is not worth its size.
    #[inline(never)]
    fn fetch<'a>(
        &'a self,
        pools: Pools<'a>,
        variables: &'a Variables,
        source: Source,
        below: usize,
    ) -> Eval<&'a Value> {
        self.operand(pools, variables, source, below)
    }

    /// Takes so many values from the stack.
    #[inline]
    fn drop(&mut self, count: usize) {
        if count > 0 {
            self.stack.truncate(self.stack.len().saturating_sub(count));
        }
    }

    /// The instructions that tell whether something holds, and find their operands on the stack.
    #[inline(never)]
    fn test(&mut self, pools: Pools<'_>, op: u32) -> Eval<bool> {
        let op = pools.model.op(op).ok_or(EvalError::Malformed)?;
        Ok(match op {
            Op::HasTag => self.entity_and_tag(pools)?.1.is_some(),
            Op::ContainsAll | Op::ContainsAny => {
                let (wanted, set) = (self.set()?, self.set()?);
                let mut found = pools.values(wanted).iter().map(|value| pools.contains(set, value));
                match op {
                    Op::ContainsAll => found.all(|found| found),
                    _ => found.any(|found| found),
                }
            }
            Op::IsEmpty => self.set()?.len == 0,
            Op::Like(pattern) => {
                let Value::Str(text) = self.pop()? else { return Err(EvalError::Type) };
                let pattern = pools.model.pattern(*pattern).ok_or(EvalError::Malformed)?;
                pattern.matches(pools.text(text))
            }
            _ => return Err(EvalError::Malformed),
        })
    }

    /// The instructions that make a value of what is on the stack, and leave it there.
    #[inline(never)]
    fn make(&mut self, model: &Model, request: &mut Request, op: u32) -> Eval<()> {
        let op = model.op(op).ok_or(EvalError::Malformed)?;
        let pools = Pools { model, request };
        let value = match op {
            Op::Attr(name) => *attribute(pools, &self.pop()?, *name)?,
            Op::Call(function) => {
                let first = self.stack.len().checked_sub(function.arity());
                let arguments = first.and_then(|first| self.stack.get(first..));
                let result = call(pools, *function, arguments.ok_or(EvalError::Malformed)?)?;
                self.stack.truncate(first.unwrap_or_default());
                result
            }
            Op::GetTag => {
                let (entity, tag) = self.entity_and_tag(pools)?;
                let known = pools.local(entity).is_some() || pools.model.entity(entity).is_some();
                let missing =
                    if known { EvalError::MissingTag } else { EvalError::MissingEntity(entity) };
                tag.ok_or(missing)?
            }
            Op::Neg | Op::Add | Op::Sub | Op::Mul => self.arithmetic(op)?,
            Op::Record(names) => self.record(model, request, *names)?,
            Op::Set(count) => self.set_of(model, request, *count)?,
            _ => return Err(EvalError::Malformed),
        };
        self.stack.push(value);
        Ok(())
    }

    #[inline]
    fn pop(&mut self) -> Eval<Value> {
        self.stack.pop().ok_or(EvalError::Malformed)
    }

    fn long(&mut self) -> Eval<i64> {
        match self.pop()? {
            Value::Long(value) => Ok(value),
            _ => Err(EvalError::Type),
        }
    }

    fn set(&mut self) -> Eval<Span> {
        set(&self.pop()?)
    }

    fn arithmetic(&mut self, op: &Op) -> Eval<Value> {
        let b = self.long()?;
        let result = match op {
            Op::Neg => b.checked_neg(),
            Op::Add => self.long()?.checked_add(b),
            Op::Sub => self.long()?.checked_sub(b),
            _ => self.long()?.checked_mul(b),
        };
        result.map(Value::Long).ok_or(EvalError::Overflow)
    }

    fn set_of(&mut self, model: &Model, request: &mut Request, count: u32) -> Eval<Value> {
        let first = self.stack.len().checked_sub(count as usize).ok_or(EvalError::Malformed)?;
        let elements = self.stack.get_mut(first..).ok_or(EvalError::Malformed)?;
        let span = request.set(model, elements);
        self.stack.truncate(first);
        Ok(Value::Set(span))
    }

    fn record(&mut self, model: &Model, request: &mut Request, names: Span) -> Eval<Value> {
        let names = model.sym_run(names);
        let first = self.stack.len().checked_sub(names.len()).ok_or(EvalError::Malformed)?;
        let values = self.stack.drain(first..);
        self.fields.clear();
        self.fields
            .extend(names.iter().zip(values).map(|(name, value)| Field { name: *name, value }));
        Ok(Value::Record(request.push_fields(self.fields.drain(..))))
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

/// Compares two operands.
#[inline(always)]
fn compare(pools: Pools<'_>, pair: Pair, left: &Value, right: &Value) -> Eval<bool> {
    match pair {
        Pair::Contains => Ok(pools.contains(set(left)?, right)),
        Pair::Eq => Ok(pools.same(left, right)),
        Pair::In => is_in(pools, left, right),
        Pair::Less => order(left, right, |a, b| a < b),
        Pair::LessEq => order(left, right, |a, b| a <= b),
    }
}

/// The same, where it is not worth its size.
#[inline(never)]
fn compare_fetched(pools: Pools<'_>, pair: Pair, left: &Value, right: &Value) -> Eval<bool> {
    compare(pools, pair, left, right)
}

/// Integers, instants and lengths of time have an order; each only with its like.
#[inline]
fn order(left: &Value, right: &Value, holds: fn(&i64, &i64) -> bool) -> Eval<bool> {
    match (left, right) {
        (Value::Long(a), Value::Long(b))
        | (Value::Datetime(a), Value::Datetime(b))
        | (Value::Duration(a), Value::Duration(b)) => Ok(holds(a, b)),
        _ => Err(EvalError::Type),
    }
}

#[inline]
fn truth(value: &Value) -> Eval<bool> {
    match value {
        Value::Bool(value) => Ok(*value),
        _ => Err(EvalError::Type),
    }
}

#[inline]
fn set(value: &Value) -> Eval<Span> {
    match value {
        Value::Set(span) => Ok(*span),
        _ => Err(EvalError::Type),
    }
}

#[inline(never)]
fn is(pools: Pools<'_>, value: &Value, kind: Sym) -> Eval<bool> {
    match value {
        Value::Entity(uid) => Ok(pools.kind_of(*uid) == Some(kind)),
        _ => Err(EvalError::Type),
    }
}

/// The attribute of a record or entity.
///
/// # Errors
///
/// Where there is none, or the value has no attributes.
#[inline(never)]
pub fn attribute<'a>(pools: Pools<'a>, holder: &Value, name: Sym) -> Eval<&'a Value> {
    let found = match holder {
        Value::Record(fields) => pools.field(*fields, name),
        Value::Entity(uid) => match pools.local(*uid) {
            Some(local) => local.attrs.iter().find_map(|attrs| pools.field(*attrs, name)),
            None => {
                let entity = pools.model.entity(*uid).ok_or(EvalError::MissingEntity(*uid))?;
                pools.field(entity.attrs, name)
            }
        },
        _ => return Err(EvalError::Type),
    };
    found.ok_or(EvalError::MissingAttribute(name))
}

#[inline(never)]
fn has(pools: Pools<'_>, value: &Value, name: Sym) -> Eval<bool> {
    match attribute(pools, value, name) {
        Ok(_) => Ok(true),
        Err(EvalError::MissingAttribute(_) | EvalError::MissingEntity(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

#[inline(never)]
fn is_in(pools: Pools<'_>, entity: &Value, group: &Value) -> Eval<bool> {
    let Value::Entity(entity) = entity else { return Err(EvalError::Type) };
    match group {
        Value::Entity(group) => Ok(pools.is_in(*entity, *group)),
        Value::Set(groups) => pools.values(*groups).iter().try_fold(false, |found, group| {
            let Value::Entity(group) = group else { return Err(EvalError::Type) };
            Ok(found || pools.is_in(*entity, *group))
        }),
        _ => Err(EvalError::Type),
    }
}
