//! What the generator makes, and that a fault in what it makes is found.

use cedarkey_differential::mutation;
use cedarkey_differential::run::Run;
use cedarkey_differential::tally::constructs;

/// What everything follows from: tests that now and then fail by chance are of no use.
const SEED: u64 = 7;

/// By then each construct has come up; most have after a hundred.
const REQUESTS: u64 = 10_000;

#[test]
fn everything_is_generated_and_tells() {
    let tally = Run::new(SEED, REQUESTS).run().unwrap().tally;
    for name in constructs::all_of_cases() {
        assert!(tally.constructs.get(name).is_some_and(|count| *count > 0), "never: {name}");
    }
    for name in constructs::all_of_policies() {
        let of = |counts: &std::collections::BTreeMap<&str, u64>| counts.contains_key(name);
        assert!(of(&tally.constructs), "never generated: {name}");
        assert!(of(&tally.determining) || of(&tally.failed), "never told in an answer: {name}");
    }
    let counts = [tally.allowed, tally.forbidden, tally.overruled, tally.by_several, tally.failing];
    assert!(counts.iter().all(|count| *count > REQUESTS / 100), "{counts:?}");
    assert!(tally.valid > 0 && tally.valid < tally.validated);
}

#[test]
fn each_fault_is_found() {
    let all = mutation::hunt(SEED, 4 * REQUESTS, |_, _, _| {}).unwrap();
    let missed = all.iter().filter(|found| found.after.is_none());
    let missed: Vec<_> = missed.map(|found| found.mutation).collect();
    assert!(missed.is_empty(), "not found: {missed:?}");
}
