//! Conditions as they are run: the instructions of a bundle, of which several often become one step.
//!
//! `context.level >= 3 && ..` is six instructions, which hand values to each other by way of the
//! stack. It is one step here: a test that knows where its operands are, and where to go on if it
//! holds and if it does not. Steps are made when a model is loaded, after its check, so that what
//! lies in a bundle stays simple; they do what the instructions say.

mod translate;

use super::image::{ModelImage, Var};
use crate::value::{Sym, Value};
use alloc::vec::Vec;

/// The conditions of all policies.
#[derive(Debug)]
pub(crate) struct Program {
    steps: Vec<Step>,
    /// Where the steps of each policy begin and end.
    conditions: Vec<(u32, u32)>,
    /// Values that steps push or compare with.
    constants: Vec<Value>,
}

/// A step. Positions are those of steps within the condition.
///
/// Here and below, a `repr` keeps tags where they can be read without more ado.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(crate) enum Step {
    /// Pops a truth.
    Pop(Exits),
    /// Goes on there.
    Jump(u32),
    /// An instruction of the model's, by its position there, which finds its operands on the stack
    /// and leaves a value there.
    Make(u32),
    /// Pushes a value, and goes on there.
    Push(Source, u32),
    /// Compares two operands that are not on the stack.
    Pair(Pair, Source, Source, Exits),
    /// Compares two operands, of which the left one or both are on the stack.
    StackPair(Pair, Source, Source, Exits),
    /// An instruction of the model's, which finds its operands on the stack and tells whether
    /// something holds.
    Test(u32, Exits),
    /// Asks one operand.
    Single(Single, Source, Exits),
}

/// Where an operand is.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(crate) enum Source {
    /// An attribute of a variable.
    Attr(Var, Sym),
    /// Among the constants of the program.
    Constant(u32),
    /// On the stack.
    Stack,
    /// A variable.
    Var(Var),
}

/// A comparison of two operands.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(crate) enum Pair {
    Contains,
    Eq,
    In,
    Less,
    LessEq,
}

/// A question to one operand.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(crate) enum Single {
    /// Whether it has an attribute.
    Has(Sym),
    /// Whether it is of a type.
    Is(Sym),
    /// Whether it holds itself.
    Truth,
}

/// What follows a test: first if it does not hold, then if it does.
pub(crate) type Exits = [Exit; 2];

/// What follows.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(crate) enum Exit {
    /// The condition is at its end, and holds or not.
    End(bool),
    /// It goes on there.
    Go(u32),
    /// This is pushed, and it goes on there.
    Push(bool, u32),
}

// === impl Program ===

impl Program {
    /// Makes the steps. The image has been verified.
    pub fn of(image: &ModelImage) -> Self {
        let mut program = Self { steps: Vec::new(), conditions: Vec::new(), constants: Vec::new() };
        let mut space = translate::Space::default();
        for policy in &image.policies {
            let ops = image.ops.get(policy.condition.range()).unwrap_or_default();
            let start = program.steps.len();
            translate::condition(ops, policy.condition.start, &mut program, &mut space);
            let ends = [start, program.steps.len()].map(|it| u32::try_from(it).unwrap_or_default());
            program.conditions.push(ends.into());
        }
        program
    }

    /// The steps of a policy's condition; none where it has no condition.
    #[inline]
    pub fn condition(&self, policy: u32) -> &[Step] {
        let ends = self.conditions.get(policy as usize);
        let steps = ends.and_then(|(start, end)| self.steps.get(*start as usize..*end as usize));
        steps.unwrap_or_default()
    }

    /// A constant.
    #[inline]
    pub fn constant(&self, at: u32) -> Option<&Value> {
        self.constants.get(at as usize)
    }
}

// === impl Source ===

impl Source {
    /// How many values it takes from the stack.
    #[inline]
    pub const fn height(self) -> usize {
        matches!(self, Self::Stack) as usize
    }
}
