//! `cargo xtask bench engine`

mod goals;

use crate::steps::{heading, run as run_command};
use anyhow::{Context, ensure};
use cedarkey_host_kit::tools;
use clap::Args;
use comfy_table::{CellAlignment, Table, presets};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a decision costs in the engine and in Cedar: instructions, allocations and time.
///
/// Instructions and allocations hardly differ from run to run, and have goals; the exit status is 1
/// where one is missed. Times are for the machine at hand.
#[derive(Args, Debug)]
pub struct Engine {
    /// Leave the time out, which takes longest to measure and differs from run to run
    #[arg(long)]
    no_time: bool,
}

/// Sets of policies of which one matches, by their size, and applications.
const WORKLOADS: [&str; 8] = ["1", "10", "100", "1000", "10000", "documents", "code", "tasks"];

/// How often the requests of a workload are decided by each: Cedar's turns are long.
const ROUNDS: [(&str, u64); 2] = [("cedar", 20), ("engine", 1000)];

/// What was counted.
#[derive(Clone, Copy)]
struct Cost {
    instructions: f64,
    allocations: f64,
}

#[derive(Deserialize)]
struct Counted {
    decisions: u64,
    allocations: u64,
}

impl Engine {
    /// Runs it.
    pub fn run(self) -> anyhow::Result<bool> {
        heading("get ready");
        valgrind()?;
        run_command(&mut tools::cargo(&["build", "--release", "-p", "cedarkey-bench"]))?;

        heading("a decision: instructions (callgrind) and heap allocations");
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header([
            "policies",
            "cedar",
            "engine",
            "times fewer",
            "cedar allocs",
            "engine allocs",
        ]);
        let mut costs = Vec::with_capacity(WORKLOADS.len());
        for workload in WORKLOADS {
            let [cedar, engine] = ROUNDS.map(|(subject, rounds)| cost(subject, workload, rounds));
            let (cedar, engine) = (cedar?, engine?);
            costs.push((workload, cedar, engine));
            table.add_row([
                workload.to_owned(),
                format!("{:.0}", cedar.instructions),
                format!("{:.0}", engine.instructions),
                format!("{:.0}", cedar.instructions / engine.instructions),
                format!("{:.1}", cedar.allocations),
                format!("{:.1}", engine.allocations),
            ]);
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        anstream::println!("{table}");
        let met = goals::check(&costs);
        if self.no_time {
            return Ok(met);
        }
        heading("all requests of a workload: time, natively and in wasm");
        let target = "wasm32-unknown-unknown";
        tools::targets()?;
        let build = ["build", "--release", "-p", "cedarkey-bench", "--lib", "--target", target];
        run_command(&mut tools::cargo(&build))?;
        let module = format!("target/{target}/release/cedarkey_bench.wasm");
        let mut bench = tools::cargo(&["bench", "-p", "cedarkey-bench"]);
        run_command(bench.env("CEDARKEY_BENCH_MODULE", tools::workspace().join(module)))?;
        Ok(met)
    }
}

/// What one decision costs, on average over the requests of a workload.
fn cost(subject: &str, workload: &str, rounds: u64) -> anyhow::Result<Cost> {
    let folder = tempfile::tempdir()?;
    let profile = folder.path().join("callgrind");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--toggle-collect=cedarkey_bench::measured"])
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(binary())
        .args([subject, workload, "--rounds", &rounds.to_string()])
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{subject} with {workload}: {said}");
    let counted: Counted = serde_json::from_slice(&output.stdout)?;
    let decisions = counted.decisions as f64;
    Ok(Cost {
        instructions: collected(&profile)? as f64 / decisions,
        allocations: counted.allocations as f64 / decisions,
    })
}

/// The instructions that callgrind counted.
fn collected(profile: &Path) -> anyhow::Result<u64> {
    let text = std::fs::read_to_string(profile)?;
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("summary: "));
    let summary = lines.next_back().context("callgrind has no summary")?;
    let instructions = summary.trim().parse()?;
    ensure!(instructions > 0, "callgrind has counted nothing");
    Ok(instructions)
}

fn binary() -> PathBuf {
    tools::workspace().join("target/release/cedarkey-bench")
}

/// Installs valgrind where it is missing, and says so.
fn valgrind() -> anyhow::Result<()> {
    if Command::new("valgrind").arg("--version").output().is_ok_and(|it| it.status.success()) {
        return Ok(());
    }
    anstream::eprintln!("installing valgrind, with apt-get");
    let installed = run_command(Command::new("apt-get").args(["install", "--yes", "valgrind"]));
    installed.context("valgrind is needed: install it with the system's package manager")
}
