//! The check of a policy's condition: with it, evaluation needs none.
//!
//! Jumps only lead forward, so every instruction runs at most once; the height of the stack at each
//! instruction is the same whichever way led there, and one value is left at the end.

use super::{LoadError, run_ok, sym_ok};
use crate::model::image::{ModelImage, Op};
use alloc::vec;

/// The highest stack that a condition may need.
pub const MAX_STACK: usize = 4096;

/// What an instruction does to the stack and to the flow.
struct Step {
    pops: usize,
    pushes: usize,
    /// Where it may jump, and the values it has pushed by then.
    jump: Option<(u32, usize)>,
    falls_through: bool,
}

/// Gives the highest stack that the condition needs.
pub(super) fn verify(image: &ModelImage, policy: usize, ops: &[Op]) -> Result<usize, LoadError> {
    if ops.is_empty() {
        return Ok(0);
    }
    // The height at each instruction, as far as a jump has told.
    let mut heights = vec![None; ops.len().saturating_add(1)];
    let mut height = Some(0_usize);
    let mut highest = 0;
    for (at, op) in ops.iter().enumerate() {
        let wrong = LoadError::Condition { policy, at };
        operand(image, op, policy, at)?;
        let before = merge(height, heights.get(at).copied().flatten()).ok_or(wrong)?;
        let step = step(op);
        let below = before.checked_sub(step.pops).ok_or(wrong)?;
        let after = below.checked_add(step.pushes).ok_or(wrong)?;
        if after > MAX_STACK {
            return Err(LoadError::Stack { policy });
        }
        highest = highest.max(before).max(after);
        height = step.falls_through.then_some(after);
        if let Some((target, pushed)) = step.jump {
            let there = below.checked_add(pushed).ok_or(wrong)?;
            highest = highest.max(there);
            let slot = heights.get_mut(target as usize).filter(|_| target as usize > at);
            let slot = slot.ok_or(wrong)?;
            *slot = Some(merge(*slot, Some(there)).ok_or(wrong)?);
        }
    }
    let end = LoadError::Condition { policy, at: ops.len() };
    match merge(height, heights.last().copied().flatten()) {
        Some(1) => Ok(highest),
        _ => Err(end),
    }
}

/// The one height that two ways agree on; `None` where they differ or nothing leads there.
fn merge(a: Option<usize>, b: Option<usize>) -> Option<usize> {
    match (a, b) {
        (Some(a), Some(b)) => (a == b).then_some(a),
        (one, other) => one.or(other),
    }
}

fn step(op: &Op) -> Step {
    let plain = |pops, pushes| Step { pops, pushes, jump: None, falls_through: true };
    match op {
        Op::Push(_) | Op::Var(_) => plain(0, 1),
        Op::Attr(_) | Op::CheckBool | Op::Has(_) | Op::Is(_) | Op::IsEmpty | Op::Like(_) => {
            plain(1, 1)
        }
        Op::Neg | Op::Not => plain(1, 1),
        Op::Add | Op::Sub | Op::Mul | Op::Eq | Op::Less | Op::LessEq | Op::In => plain(2, 1),
        Op::Contains | Op::ContainsAll | Op::ContainsAny | Op::GetTag | Op::HasTag => plain(2, 1),
        Op::Set(count) => plain(*count as usize, 1),
        Op::Record(names) => plain(names.len as usize, 1),
        Op::Call(function) => plain(function.arity(), 1),
        Op::BranchFalse(to) | Op::BranchTrue(to) => {
            Step { pops: 1, pushes: 0, jump: Some((*to, 1)), falls_through: true }
        }
        Op::JumpFalse(to) => Step { pops: 1, pushes: 0, jump: Some((*to, 0)), falls_through: true },
        Op::Jump(to) => Step { pops: 0, pushes: 0, jump: Some((*to, 0)), falls_through: false },
    }
}

fn operand(image: &ModelImage, op: &Op, policy: usize, at: usize) -> Result<(), LoadError> {
    match op {
        Op::Attr(sym) | Op::Has(sym) | Op::Is(sym) => sym_ok(image, *sym, "policy", policy),
        Op::Like(pattern) if *pattern as usize >= image.patterns.len() => {
            Err(LoadError::Condition { policy, at })
        }
        Op::Record(names) => {
            run_ok(*names, image.sym_runs.len(), "policy", policy)?;
            let names = image.sym_runs.get(names.range()).unwrap_or_default();
            super::ascending("record field", names, |a, b| a < b)
        }
        Op::Push(value) => super::data::value_ok(image, value, "policy", policy).map(|_| ()),
        _ => Ok(()),
    }
}
