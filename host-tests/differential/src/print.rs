//! Results, for people and for scripts.

use crate::{Cli, Format, Saved};
use anyhow::Context;
use cedarkey_differential::mutation::Found;
use cedarkey_differential::run::Report;
use serde_json::json;

/// Prints what came of a run.
pub fn report(report: &Report, seed: u64, saved: &[Saved], cli: &Cli) -> anyhow::Result<()> {
    let tally = &report.tally;
    if matches!(cli.format, Format::Json) {
        let seconds = report.took.as_secs_f64();
        anstream::println!(
            "{}",
            json!({ "seed": seed, "seconds": seconds, "differences": saved, "tally": tally })
        );
        return Ok(());
    }
    for Saved { file, finding } in saved {
        anstream::println!("{}\n  {finding}", file.display());
    }
    if cli.tally {
        anstream::println!("{}", serde_json::to_string_pretty(tally).context("the tally")?);
    }
    anstream::println!(
        "{} cases, {} policies, {} requests, {} differences, seed {seed}, in {:.0?}",
        tally.cases,
        tally.policies,
        tally.requests,
        saved.len(),
        report.took,
    );
    Ok(())
}

/// Prints that a fault was found, as soon as it is.
pub fn fault(name: &str, after: u64, cli: &Cli) {
    if matches!(cli.format, Format::Human) {
        anstream::println!("found after {after:>7} requests: {name}");
    }
}

/// Prints how many faults were found.
pub fn faults(all: &[Found], seed: u64, cli: &Cli) -> anyhow::Result<()> {
    if matches!(cli.format, Format::Json) {
        anstream::println!("{}", json!({ "seed": seed, "faults": all }));
        return Ok(());
    }
    for Found { mutation, after } in all {
        if after.is_none() {
            anstream::println!("not found: {mutation}");
        }
    }
    let found = all.iter().filter(|found| found.after.is_some()).count();
    anstream::println!("{found} of {} faults found, seed {seed}", all.len());
    Ok(())
}
