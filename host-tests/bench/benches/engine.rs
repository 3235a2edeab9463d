//! Time per round of a workload's requests, in the engine and in Cedar.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up is not to be run")]

use cedarkey_bench::subject;
use cedarkey_bench::workload::Workload;
use divan::{Bencher, black_box};

const WORKLOADS: [&str; 8] = ["1", "10", "100", "1000", "10000", "documents", "code", "tasks"];

fn main() {
    divan::main();
}

#[divan::bench(args = WORKLOADS)]
fn cedar(bencher: Bencher<'_, '_>, workload: &str) {
    let (mut cedar, _) = subject::both(&Workload::named(workload).unwrap()).unwrap();
    bencher.bench_local(|| black_box(cedar.decide()));
}

#[divan::bench(args = WORKLOADS)]
fn engine(bencher: Bencher<'_, '_>, workload: &str) {
    let (_, mut engine) = subject::both(&Workload::named(workload).unwrap()).unwrap();
    bencher.bench_local(|| black_box(engine.decide()));
}
