//! `cargo xtask`: what people and continuous integration run on this workspace.

mod bench;
mod conformance;
mod demo;
mod differential;
mod fuzz;
mod steps;
mod test;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Try cedarkey out, and test it.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure; each benchmark compares, side by side in one run
    Bench(bench::Bench),
    /// Run Cedar's integration tests on compiled policies; `--help` tells more
    Conformance(conformance::Conformance),
    /// Show the main job in a real Envoy: allow, deny, revoke, deny
    Demo(demo::Demo),
    /// Compare compiled policies with Cedar, on generated ones; `--help` tells more
    Differential(differential::Differential),
    /// Fetch what tests and the demo need
    Fetch,
    /// Build the filter's module, and print where it is
    Filter,
    /// Fuzz the engine, models or bundles, for a bounded time
    Fuzz(fuzz::Fuzz),
    /// Run everything that is tested
    Test,
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Bench(bench) => bench.run(),
        Command::Conformance(conformance) => conformance.run(),
        Command::Demo(demo) => demo.run(),
        Command::Differential(differential) => differential.run(),
        Command::Fetch => test::fetch(),
        Command::Filter => test::filter(),
        Command::Fuzz(fuzz) => fuzz.run(),
        Command::Test => test::run(),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            anstream::eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
