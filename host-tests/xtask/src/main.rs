//! `cargo xtask`: what people and continuous integration run on this workspace.

mod bench;
mod conformance;
mod demo;
mod differential;
mod filter;
mod fuzz;
mod steps;
mod test;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Try cedarkey out, and test it.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    max_term_width = 100,
    after_help = "It ends with status 1 where something is not as it should be, such as a test or a goal, and
with 2 where that could not be looked at."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Bench(bench::Bench),
    /// Run Cedar's integration tests on compiled policies; `--help` tells more
    Conformance(conformance::Conformance),
    Demo(demo::Demo),
    /// Compare compiled policies with Cedar, on generated ones; `--help` tells more
    Differential(differential::Differential),
    /// Fetch what tests and the demo need
    Fetch,
    Filter(filter::Filter),
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
        Command::Filter(filter) => filter.run(),
        Command::Fuzz(fuzz) => fuzz.run(),
        Command::Test => test::run(),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            anstream::eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}
