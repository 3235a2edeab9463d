//! What a decision may cost.

use super::Cost;
use anstyle::{AnsiColor, Style};

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// How many times fewer instructions than Cedar a decision must take, by the number of policies.
const FEWER: [(&str, f64); 3] = [("1", 30.0), ("10", 30.0), ("1000", 3000.0)];

/// Sets of which the same few policies match.
const FLAT: [&str; 4] = ["10", "100", "1000", "10000"];

/// How much the dearest of them may cost, as a multiple of the cheapest.
const SLOPE: f64 = 1.2;

/// Prints each goal and whether it is met; tells whether all are.
pub(super) fn check(costs: &[(&str, Cost, Cost)]) -> bool {
    let of = |workload: &str| costs.iter().find(|(name, ..)| *name == workload);
    let mut all = true;
    let mut goal = |met: bool, what: String| {
        let (style, word) = if met { (GOOD, "met") } else { (BAD, "missed") };
        anstream::println!("{style}{word}{style:#} {what}");
        all &= met;
    };
    for (workload, least) in FEWER {
        let times = of(workload).map(|(_, cedar, engine)| cedar.instructions / engine.instructions);
        let met = times.is_some_and(|times| times >= least);
        goal(met, format!("at {workload}, at least {least} times fewer instructions"));
    }
    let flat = FLAT.iter().filter_map(|workload| of(workload)).map(|(.., it)| it.instructions);
    let (least, most) = flat.fold((f64::MAX, 0.0_f64), |(a, b), it| (a.min(it), b.max(it)));
    let slope = most / least;
    goal(slope <= SLOPE, format!("from 10 to 10000, {slope:.2} times as much at most ({SLOPE})"));
    let allocations: f64 = costs.iter().map(|(.., engine)| engine.allocations).sum();
    goal(allocations == 0.0, String::from("no heap allocation in any decision"));
    all
}
