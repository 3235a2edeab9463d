//! `cargo xtask bench fleet`

use crate::steps::heading;
use anyhow::anyhow;
use cedarkey_host_kit::{
    fleet::{self, Load},
    tools,
};
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// How fast a push reaches many proxies that wait at one publisher, and what that costs it.
#[derive(Args, Debug)]
pub struct Fleet {
    /// How many proxies wait
    #[arg(long, default_value_t = 1000)]
    proxies: usize,
    /// How often a new version is pushed
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pushes: u32,
    /// How long it takes, in seconds
    #[arg(long, default_value_t = 120)]
    seconds: u64,
    /// The `cedarkey` to measure [default: this workspace's, optimised]
    #[arg(long, value_name = "FILE")]
    command: Option<PathBuf>,
}

impl Fleet {
    /// Runs it.
    pub fn run(self) -> anyhow::Result<bool> {
        heading("get ready");
        let Self { proxies, pushes, seconds, command } = self;
        let command = match command {
            Some(command) => std::path::absolute(command)?,
            None => tools::cedarkey_release()?,
        };
        heading(&format!("{proxies} proxies, {pushes} pushes in {seconds} s, on loopback"));
        let load = Load { proxies, pushes, length: Duration::from_secs(seconds) };
        let seen = fleet::run(&command, load).map_err(|error| anyhow!(error))?;
        let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
        anstream::println!("from the begin of a push until a proxy has the manifest:");
        for (name, hundredths) in [("p50", 50), ("p99", 99), ("max", 100)] {
            anstream::println!("  {name}  {:>8.1} ms", milliseconds(seen.percentile(hundredths)));
        }
        anstream::println!("  of {} deliveries", seen.propagation.len());
        let share = seen.cpu.as_secs_f64() / seen.length.as_secs_f64() * 100.0;
        anstream::println!("requests    {:>8}, of which {} failed", seen.requests, seen.failures);
        anstream::println!("processor   {:>8.2} s, {share:.1} % of one", seen.cpu.as_secs_f64());
        anstream::println!("memory      {:>8.1} MB at most", seen.peak_memory as f64 / 1e6);
        Ok(seen.failures == 0)
    }
}
