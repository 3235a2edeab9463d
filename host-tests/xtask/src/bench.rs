//! `cargo xtask bench`

mod build;
mod engine;
mod fleet;
mod import;
mod keys;
mod proxy;
mod start;
mod switch;

use clap::{Args, Subcommand};

/// Measure; each benchmark compares, side by side in one run.
#[derive(Args, Debug)]
pub struct Bench {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Build(build::Build),
    Engine(engine::Engine),
    Fleet(fleet::Fleet),
    Import(import::Import),
    Keys(keys::Keys),
    Proxy(proxy::Proxy),
    Start(start::Start),
    Switch(switch::Switch),
}

impl Bench {
    /// Runs it.
    pub fn run(self) -> anyhow::Result<bool> {
        match self.what {
            What::Build(build) => build.run(),
            What::Engine(engine) => engine.run(),
            What::Fleet(fleet) => fleet.run(),
            What::Import(import) => import.run(),
            What::Keys(keys) => keys.run(),
            What::Proxy(proxy) => proxy.run(),
            What::Start(start) => start.run(),
            What::Switch(switch) => switch.run(),
        }
    }
}
