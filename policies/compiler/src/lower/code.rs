//! Instructions under construction.

use super::LowerError;
use cedarkey_engine::model::Op;
use cedarkey_engine::value::Value;

/// Instructions, with distances for jump targets so that they can be put anywhere.
#[derive(Clone)]
pub(super) struct Code {
    ops: Vec<Op>,
    /// Whether the value is a boolean, if there is one.
    is_bool: bool,
    /// How deep the literals in the value nest.
    pub literal: usize,
}

// === impl Code ===

impl Code {
    pub fn empty() -> Self {
        Self { ops: Vec::new(), is_bool: false, literal: 0 }
    }

    pub fn op(op: Op) -> Self {
        Self { ops: vec![op], ..Self::empty() }
    }

    /// Pushes a value.
    pub fn push(value: Value) -> Self {
        Self { is_bool: matches!(value, Value::Bool(_)), ..Self::op(Op::Push(value)) }
    }

    /// Adds an instruction.
    pub fn then(mut self, op: Op) -> Self {
        self.is_bool = !matches!(
            op,
            Op::Add
                | Op::Sub
                | Op::Mul
                | Op::Neg
                | Op::Attr(_)
                | Op::GetTag
                | Op::Set(_)
                | Op::Record(_)
                | Op::Call(_)
        );
        self.ops.push(op);
        self
    }

    pub fn nested(self, literal: usize) -> Self {
        Self { literal, ..self }
    }

    pub fn append(&mut self, other: Self) {
        self.ops.extend(other.ops);
        self.is_bool = other.is_bool;
        self.literal = self.literal.max(other.literal);
    }

    /// `l && r`
    pub fn both(left: Self, right: Self) -> Result<Self, LowerError> {
        Self::join(left, Op::BranchFalse, right)
    }

    /// `l || r`
    pub fn either(left: Self, right: Self) -> Result<Self, LowerError> {
        Self::join(left, Op::BranchTrue, right)
    }

    fn join(mut left: Self, branch: fn(u32) -> Op, right: Self) -> Result<Self, LowerError> {
        let right = if right.is_bool { right } else { right.then(Op::CheckBool) };
        left.ops.push(branch(distance(right.ops.len())?));
        left.append(right);
        Ok(Self { literal: 0, ..left })
    }

    /// `if c then a else b`
    pub fn conditional(condition: Self, then: Self, other: Self) -> Result<Self, LowerError> {
        let mut code = condition;
        // The jump over the alternative belongs to the consequent.
        code.ops.push(Op::JumpFalse(distance(then.ops.len().saturating_add(1))?));
        code.ops.extend(then.ops);
        code.ops.push(Op::Jump(distance(other.ops.len())?));
        code.ops.extend(other.ops);
        code.is_bool = then.is_bool && other.is_bool;
        code.literal = then.literal.max(other.literal);
        Ok(code)
    }

    /// The number of instructions.
    pub fn len(&self) -> usize {
        self.ops.len()
    }

    /// The instructions, with distances for targets.
    pub fn into_ops(self) -> Vec<Op> {
        self.ops
    }
}

/// From a jump over `skipped` instructions to what follows them.
fn distance(skipped: usize) -> Result<u32, LowerError> {
    u32::try_from(skipped)
        .ok()
        .and_then(|skipped| skipped.checked_add(1))
        .ok_or(LowerError::TooLarge)
}

/// Turns distances into positions, and leads jumps that land on jumps straight to where those lead.
pub(super) fn finish(code: Code) -> Result<Vec<Op>, LowerError> {
    let mut ops = code.into_ops();
    for at in (0..ops.len()).rev() {
        let Some(op) = ops.get(at).copied() else { continue };
        let target = |distance: u32| (at as u32).checked_add(distance).ok_or(LowerError::TooLarge);
        let new = match op {
            Op::BranchFalse(distance) => Op::BranchFalse(follow(&ops, target(distance)?, false)),
            Op::BranchTrue(distance) => Op::BranchTrue(follow(&ops, target(distance)?, true)),
            Op::Jump(distance) => Op::Jump(target(distance)?),
            Op::JumpFalse(distance) => Op::JumpFalse(target(distance)?),
            other => other,
        };
        if let Some(place) = ops.get_mut(at) {
            *place = new;
        }
    }
    Ok(ops)
}

/// Where a jump with a boolean on the stack ends up. What lies ahead has been finished.
fn follow(ops: &[Op], mut target: u32, value: bool) -> u32 {
    loop {
        target = match (ops.get(target as usize), value) {
            (Some(Op::BranchFalse(next)), false) | (Some(Op::BranchTrue(next)), true) => *next,
            // The other branch falls through with the value taken off: not followed.
            (Some(Op::CheckBool), _) => target.saturating_add(1),
            _ => return target,
        };
    }
}
