//! Short runs, one of them new each time.

#![expect(
    clippy::unwrap_used,
    reason = "a test that unwraps nothing fails, and that is all that is asked of it"
)]

use cedarkey_differential::run::{Report, Run};

const REQUESTS: u64 = 4_000;

fn run(seed: u64) -> Report {
    let report = Run::new(seed, REQUESTS).run().unwrap();
    let differences: Vec<_> = report
        .differences
        .iter()
        .map(|difference| format!("case {}: {}", difference.number, difference.finding))
        .collect();
    assert!(differences.is_empty(), "seed {seed}: {differences:#?}");
    assert!(report.tally.requests >= REQUESTS);
    report
}

#[test]
fn the_compiled_form_answers_as_cedar_does() {
    run(1);
}

#[test]
fn so_it_does_with_another_seed_each_time() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    run(seed);
}
