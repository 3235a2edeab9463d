//! From instructions to steps.

use super::{Exit, Exits, Pair, Program, Single, Source, Step};
use crate::model::image::Op;
use crate::value::Value;
use alloc::vec::Vec;

/// Space for one condition at a time.
#[derive(Default)]
pub(super) struct Space {
    /// By the position of an instruction: the number of the step that begins there, or
    /// [`NO_STEP`]. The last stands for the end.
    numbers: Vec<u32>,
}

/// No way leads to what begins here.
const NO_STEP: u32 = u32::MAX;

/// Marks where a step begins that has no number yet.
const SOME_STEP: u32 = 0;

/// Adds the steps of a condition to a program. The first instruction has the position `start` in
/// the model.
pub(super) fn condition(ops: &[Op], start: u32, program: &mut Program, space: &mut Space) {
    if ops.is_empty() {
        return;
    }
    let numbers = &mut space.numbers;
    numbers.clear();
    numbers.resize(ops.len().saturating_add(1), NO_STEP);
    mark(numbers, 0);
    // Ways only lead forward, so a step is reached before it is looked at.
    for at in 0..ops.len() {
        if numbers.get(at) == Some(&SOME_STEP) {
            let (step, next) = step(ops, at, &mut Vec::new());
            targets(&step, next, |target| mark(numbers, target));
        }
    }
    let mut count = 0_u32;
    for number in numbers.iter_mut().filter(|number| **number == SOME_STEP) {
        *number = count;
        count = count.saturating_add(1);
    }
    // The end is behind the last step, whether or not a way leads there.
    if let Some(end) = numbers.last_mut().filter(|number| **number == NO_STEP) {
        *end = count;
    }
    for at in 0..ops.len() {
        if numbers.get(at).is_some_and(|number| *number != NO_STEP) {
            let (mut step, _) = step(ops, at, &mut program.constants);
            renumber(&mut step, numbers);
            if let Step::Make(op) | Step::Test(op, _) = &mut step {
                *op = op.saturating_add(start);
            }
            program.steps.push(step);
        }
    }
}

fn mark(numbers: &mut [u32], at: usize) {
    if let Some(number) = numbers.get_mut(at) {
        *number = SOME_STEP;
    }
}

/// The step that begins at an instruction, its targets still positions of instructions, and where
/// the instructions behind it begin.
fn step(ops: &[Op], at: usize, constants: &mut Vec<Value>) -> (Step, usize) {
    let Some(op) = ops.get(at) else { return (Step::Jump(position(at)), at) };
    let next = at.saturating_add(1);
    if let Some((first, behind)) = source(ops, at, constants) {
        let after = behind.saturating_add(1);
        if let Some(pair) = ops.get(behind).and_then(pair) {
            return (Step::StackPair(pair, Source::Stack, first, exits(ops, after)), after);
        }
        if let Some((single, after)) = single(ops, behind) {
            return (Step::Single(single, first, exits(ops, after)), after);
        }
        let kept = constants.len();
        if let Some((second, behind)) = source(ops, behind, constants) {
            if let Some(pair) = ops.get(behind).and_then(pair) {
                let after = behind.saturating_add(1);
                return (Step::Pair(pair, first, second, exits(ops, after)), after);
            }
            constants.truncate(kept);
        }
        return (Step::Push(first, position(behind)), behind);
    }
    let step = match op {
        Op::Jump(target) => Step::Jump(*target),
        Op::BranchFalse(_) | Op::BranchTrue(_) | Op::JumpFalse(_) | Op::CheckBool | Op::Not => {
            Step::Pop(exits(ops, at))
        }
        op => match (pair(op), single(ops, at)) {
            (Some(pair), _) => {
                Step::StackPair(pair, Source::Stack, Source::Stack, exits(ops, next))
            }
            (None, Some((single, after))) => {
                return (Step::Single(single, Source::Stack, exits(ops, after)), after);
            }
            _ if tells(op) => Step::Test(position(at), exits(ops, next)),
            _ => Step::Make(position(at)),
        },
    };
    (step, next)
}

/// An operand that begins at an instruction and is not on the stack, and where it ends.
fn source(ops: &[Op], at: usize, constants: &mut Vec<Value>) -> Option<(Source, usize)> {
    let next = at.saturating_add(1);
    match (ops.get(at)?, ops.get(next)) {
        (Op::Var(var), Some(Op::Attr(name))) => {
            Some((Source::Attr(*var, *name), next.saturating_add(1)))
        }
        (Op::Var(var), _) => Some((Source::Var(*var), next)),
        (Op::Push(value), _) => {
            let constant = position(constants.len());
            constants.push(*value);
            Some((Source::Constant(constant), next))
        }
        _ => None,
    }
}

fn pair(op: &Op) -> Option<Pair> {
    match op {
        Op::Contains => Some(Pair::Contains),
        Op::Eq => Some(Pair::Eq),
        Op::In => Some(Pair::In),
        Op::Less => Some(Pair::Less),
        Op::LessEq => Some(Pair::LessEq),
        _ => None,
    }
}

/// A question to one operand, and where it ends. What only takes a truth comes behind the end.
fn single(ops: &[Op], at: usize) -> Option<(Single, usize)> {
    let next = at.saturating_add(1);
    match ops.get(at)? {
        Op::Has(name) => Some((Single::Has(*name), next)),
        Op::Is(kind) => Some((Single::Is(*kind), next)),
        Op::BranchFalse(_) | Op::BranchTrue(_) | Op::JumpFalse(_) | Op::CheckBool | Op::Not => {
            Some((Single::Truth, at))
        }
        _ => None,
    }
}

/// Whether an instruction tells whether something holds.
fn tells(op: &Op) -> bool {
    matches!(op, Op::ContainsAll | Op::ContainsAny | Op::HasTag | Op::IsEmpty | Op::Like(_))
}

/// What follows a truth that the instructions from a position on are given.
fn exits(ops: &[Op], at: usize) -> Exits {
    [false, true].map(|truth| exit(ops, at, truth))
}

fn exit(ops: &[Op], mut at: usize, mut truth: bool) -> Exit {
    loop {
        let next = at.saturating_add(1);
        at = match ops.get(at) {
            None => return Exit::End(truth),
            Some(Op::BranchFalse(target)) if !truth => *target as usize,
            Some(Op::BranchTrue(target)) if truth => *target as usize,
            Some(Op::BranchFalse(_) | Op::BranchTrue(_)) => return Exit::Go(position(next)),
            Some(Op::CheckBool) => next,
            Some(Op::Jump(target)) => *target as usize,
            Some(Op::JumpFalse(target)) => {
                return Exit::Go(if truth { position(next) } else { *target });
            }
            Some(Op::Not) => {
                truth = !truth;
                next
            }
            Some(_) => return Exit::Push(truth, position(at)),
        };
    }
}

/// Names all positions that a step leads to.
fn targets(step: &Step, next: usize, mut target: impl FnMut(usize)) {
    match step {
        Step::Jump(to) | Step::Push(_, to) => target(*to as usize),
        Step::Make(_) => target(next),
        Step::Pop(exits)
        | Step::Pair(.., exits)
        | Step::StackPair(.., exits)
        | Step::Test(_, exits)
        | Step::Single(.., exits) => {
            for exit in exits {
                if let Exit::Go(to) | Exit::Push(_, to) = exit {
                    target(*to as usize);
                }
            }
        }
    }
}

/// Turns positions of instructions into numbers of steps.
fn renumber(step: &mut Step, numbers: &[u32]) {
    let number = |to: &mut u32| {
        if let Some(number) = numbers.get(*to as usize) {
            *to = *number;
        }
    };
    match step {
        Step::Jump(to) | Step::Push(_, to) => number(to),
        // It is followed by the instruction behind it, to which a way leads.
        Step::Make(_) => {}
        Step::Pop(exits)
        | Step::Pair(.., exits)
        | Step::StackPair(.., exits)
        | Step::Test(_, exits)
        | Step::Single(.., exits) => {
            for exit in exits {
                if let Exit::Go(to) | Exit::Push(_, to) = exit {
                    number(to);
                }
            }
        }
    }
}

/// A position as a number; conditions have fewer instructions than 2^32.
fn position(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
