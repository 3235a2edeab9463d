//! `cargo xtask bench`

mod build;
mod engine;
mod fleet;
mod start;

use clap::{Args, Subcommand};

/// Measure; each benchmark compares, side by side in one run.
#[derive(Args, Debug)]
pub struct Bench {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// How long `cedarkey build` takes, which compares every policy with Cedar
    Build(build::Build),
    /// What a decision costs in the engine and in Cedar: instructions, allocations and time
    Engine(engine::Engine),
    /// How fast a push reaches a thousand proxies, and what that costs the publisher
    Fleet(fleet::Fleet),
    /// How long Envoy takes until it is ready, with the filter and without
    Start(start::Start),
}

impl Bench {
    /// Runs it.
    pub fn run(self) -> anyhow::Result<bool> {
        match self.what {
            What::Build(build) => build.run(),
            What::Engine(engine) => engine.run(),
            What::Fleet(fleet) => fleet.run(),
            What::Start(start) => start.run(),
        }
    }
}
