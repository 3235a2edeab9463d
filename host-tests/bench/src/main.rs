//! `cedarkey-bench`: what a decision costs, for callgrind and for the allocation counter.
//!
//! `cargo xtask bench engine` runs it and makes the table.

use cedarkey_bench::subject;
use cedarkey_bench::workload::Workload;
use clap::{Parser, ValueEnum};
use std::error::Error;
use std::hint::black_box;

/// Decide a workload's requests, over and over.
#[derive(Debug, Parser)]
struct Cli {
    /// Who decides
    subject: Subject,
    /// A number of policies, or the name of an application
    workload: String,
    /// How often, after once to warm up
    #[arg(long, default_value_t = 10)]
    rounds: usize,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Subject {
    Cedar,
    Engine,
}

fn main() -> Result<(), Box<dyn Error>> {
    let cli = Cli::parse();
    let workload = Workload::named(&cli.workload)?;
    let (mut cedar, mut engine) = subject::both(&workload)?;
    let mut decide = || match cli.subject {
        Subject::Cedar => cedar.decide(),
        Subject::Engine => engine.decide(),
    };
    decide();
    let allocated = allocation_counter::measure(|| measured(cli.rounds, &mut decide));
    let decisions = cli.rounds.saturating_mul(workload.questions.len());
    println!(
        "{}",
        serde_json::json!({ "decisions": decisions, "allocations": allocated.count_total })
    );
    Ok(())
}

/// What callgrind counts.
#[inline(never)]
fn measured(rounds: usize, decide: &mut dyn FnMut() -> usize) {
    for _ in 0..rounds {
        black_box(decide());
    }
}
