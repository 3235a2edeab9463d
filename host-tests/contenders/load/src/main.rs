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
    // Never asleep: to wake this up would be the work of whoever answers, and the more of it the
    // slower the answers are.
    tasks.spawn_local(async {
        loop {
            tokio::task::yield_now().await;
        }
    });
    let result = tasks.block_on(&runtime, send::run(plan))?;
    serde_json::to_writer(io::stdout().lock(), &result)?;
    Ok(())
}
