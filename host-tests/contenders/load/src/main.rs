//! Sends requests to a proxy, checks each answer, and says how long they took.
//!
//! The plan is JSON on standard input, the result JSON on standard output. One thread, a fixed
//! number of requests under way at any time.

mod plan;
mod result;
mod send;

use plan::Plan;
use std::io;

fn main() -> anyhow::Result<()> {
    let plan: Plan = serde_json::from_reader(io::stdin().lock())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tasks = tokio::task::LocalSet::new();
    let result = tasks.block_on(&runtime, send::run(plan))?;
    serde_json::to_writer(io::stdout().lock(), &result)?;
    Ok(())
}
