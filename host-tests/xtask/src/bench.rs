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
    /// How long `cedarkey build` takes, which compares every policy with Cedar
    Build(build::Build),
    /// What a decision costs in the engine and in Cedar: instructions, allocations and time
    Engine(engine::Engine),
    /// How fast a push reaches a thousand proxies, and what that costs the publisher
    Fleet(fleet::Fleet),
    /// How long an import of many keys takes, and that of one with ten bad rows
    Import(import::Import),
    /// How much memory Envoy takes for many keys, by how many workers it has
    Keys(keys::Keys),
    /// What a request costs in Envoy with cedarkey, and with what else would do
    Proxy(proxy::Proxy),
    /// How long Envoy takes until it is ready, with the filter and without
    Start(start::Start),
    /// How soon a push is enforced, and what requests notice of a switch, under load
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
