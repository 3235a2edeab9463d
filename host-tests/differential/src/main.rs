//! Compares the engine with `cedar-policy` on generated policies.

use anyhow::Context;
use cedarkey_differential::run::{Report, Run};
use clap::Parser;
use std::process::ExitCode;

/// Compare compiled policies with the `cedar-policy` crate, on generated ones.
///
/// Schemas, policies, entities and requests are generated from a seed. Each request must get the
/// same decision, determining policies and failing policies from both.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask differential", max_term_width = 100)]
struct Cli {
    /// How many requests there are to be, at least
    #[arg(long, default_value_t = 1_000_000)]
    requests: u64,
    /// What all cases follow from; a new one if there is none
    #[arg(long)]
    seed: Option<u64>,
    /// Print also what was generated, and how often
    #[arg(long)]
    tally: bool,
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            anstream::eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<bool> {
    let seed = cli.seed.unwrap_or_else(|| fastrand::u64(..));
    let Report { tally, differences, took } = Run::new(seed, cli.requests).run()?;
    for difference in &differences {
        anstream::println!("case {}: {}", difference.number, difference.finding);
    }
    if cli.tally {
        anstream::println!("{}", serde_json::to_string_pretty(&tally).context("the tally")?);
    }
    anstream::println!(
        "{} cases, {} requests, {} differences, seed {seed}, in {took:.0?}",
        tally.cases,
        tally.requests,
        differences.len(),
    );
    Ok(differences.is_empty())
}
