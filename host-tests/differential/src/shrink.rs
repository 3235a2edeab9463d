//! Smaller cases in which the same thing is wrong.

mod passes;

use crate::case::Case;
use crate::compare::{Alter, Finding, compare};
use passes::{PASSES, Step};
use std::time::{Duration, Instant};

/// A case is made no smaller than it has become by then.
const PATIENCE: Duration = Duration::from_secs(20);

/// Leaves out of a case, bit by bit, what is not needed for what is wrong in it.
pub fn shrink(case: &Case, finding: Finding, alter: Alter<'_>) -> (Case, Finding) {
    let end = Instant::now().checked_add(PATIENCE);
    let in_time = || end.is_some_and(|end| Instant::now() < end);
    let (mut smallest, mut finding) = (case.clone(), finding);
    let mut before = usize::MAX;
    let mut size = format!("{smallest:?}").len();
    // What could not be left out at first may be needed no longer.
    while size < before && in_time() {
        for pass in PASSES {
            let mut at = 0_usize;
            while in_time() {
                let smaller = match pass(&smallest, at) {
                    Step::End => break,
                    Step::Skip => None,
                    Step::Smaller(case) => Some(*case),
                };
                match smaller.and_then(|case| Some((compare(&case, alter).finding?, case))) {
                    Some((found, case)) if found.is_like(&finding) => {
                        (smallest, finding) = (case, found);
                    }
                    _ => at = at.saturating_add(1),
                }
            }
        }
        (before, size) = (size, format!("{smallest:?}").len());
    }
    (smallest, finding)
}
