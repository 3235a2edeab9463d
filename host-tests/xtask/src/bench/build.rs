//! `cargo xtask bench build`

use crate::steps::{heading, run as run_command};
use anyhow::ensure;
use cedarkey_host_kit::tools;
use clap::Args;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long `cedarkey build` takes, which compares every policy with Cedar.
#[derive(Args, Debug)]
pub struct Build {
    /// How many policies a new project gets, besides the standard library's
    #[arg(long, default_value_t = 1000)]
    policies: usize,
    /// How often it is built
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,
}

/// What the policies ask, in turns.
const CONDITIONS: [&str; 8] = [
    "context.now.toTime() >= duration(\"7h\") && context.now.toTime() < duration(\"NNm\")",
    "principal.scopes.containsAny([\"orders:read\", \"orders:NN\"]) && !principal.revoked",
    "context.sourceIp.isInRange(ip(\"10.0.0.0/8\")) || context.path like \"/v1/*/NN\"",
    "context.headers has \"x-region\" && context.headers[\"x-region\"] == \"region-NN\"",
    "principal has team && principal.team == Team::\"team-NN\"",
    "context.params has orderId && context.params.orderId != \"NN\"",
    "if context.method == \"GET\" then principal.environment == \"env-NN\" else false",
    "principal.expires.durationSince(principal.created) <= duration(\"NNd\")",
];

impl Build {
    /// Runs it.
    pub fn run(self) -> anyhow::Result<bool> {
        heading("get ready");
        let cedarkey = tools::cedarkey_release()?;
        let folder = tempfile::tempdir()?;
        let project = folder.path().join("project");
        let quiet = |arguments: &[&str]| {
            let mut command = Command::new(&cedarkey);
            // The bundle is written to where the command runs.
            command.args(arguments).stdout(Stdio::null()).current_dir(folder.path());
            command
        };
        run_command(quiet(&["init"]).arg(&project))?;
        run_command(quiet(&["signing-key", "new", "-C"]).arg(&project))?;
        std::fs::write(project.join("policies/generated.cedar"), policies(self.policies)?)?;

        heading("cedarkey build");
        let mut times = Vec::new();
        for _ in 0..self.runs {
            times.push(timed(quiet(&["build", "-C"]).arg(&project))?);
        }
        let check = timed(quiet(&["check", "-C"]).arg(&project))?;
        times.sort_unstable();
        let (first, last) = (times.first().copied(), times.last().copied());
        let seconds = |time: Option<Duration>| time.unwrap_or_default().as_secs_f64();
        anstream::println!("policies  {:>6}, and those of a new project", self.policies);
        anstream::println!("build     {:>6.2} to {:.2} s", seconds(first), seconds(last));
        anstream::println!("check     {:>6.2} s", check.as_secs_f64());
        anstream::println!("bundle    {:>6} bytes", bundle(folder.path())?);
        Ok(true)
    }
}

/// So many policies that are all different.
fn policies(count: usize) -> anyhow::Result<String> {
    let mut text = String::new();
    for (number, condition) in (0..count).zip(CONDITIONS.iter().cycle()) {
        let effect = if number % 5 == 4 { "forbid" } else { "permit" };
        let principal = match number % 3 {
            0 => "principal in Team::\"payments\"",
            1 => "principal in Workload::\"nightly-export\"",
            _ => "principal is ApiKey",
        };
        let action = match number % 2 {
            0 => "action == Action::\"orders.read\"",
            _ => "action in [Action::\"orders.read\", Action::\"orders.write\"]",
        };
        let condition = condition.replace("NN", &number.to_string());
        writeln!(text, "@id(\"generated.{number}\")")?;
        writeln!(text, "{effect} ({principal}, {action}, resource) when {{ {condition} }};")?;
    }
    Ok(text)
}

fn timed(command: &mut Command) -> anyhow::Result<Duration> {
    let start = Instant::now();
    run_command(command)?;
    Ok(start.elapsed())
}

/// The size of the one bundle in a folder.
fn bundle(folder: &Path) -> anyhow::Result<u64> {
    let mut sizes = Vec::new();
    for file in folder.read_dir()? {
        let file = file?;
        if file.path().extension().is_some_and(|extension| extension == "ckb") {
            sizes.push(file.metadata()?.len());
        }
    }
    ensure!(sizes.len() == 1, "there is not one bundle in `{}`", folder.display());
    Ok(sizes.iter().sum())
}
