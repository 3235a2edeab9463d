//! `cargo xtask fuzz`

use crate::steps::{heading, run as run_command};
use anyhow::{Context, ensure};
use cedarkey_host_kit::tools;
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Fuzz the engine, models or bundles, for a bounded time.
///
/// Builds with the instruments of libFuzzer, for which the stable toolchain is enough, and a C++
/// compiler. Bytes that lead to new code are kept in `host-tests/fuzzing/targets/corpus`; bytes on
/// which something is wrong are written to `host-tests/fuzzing/targets/artifacts`, and the exit
/// status is 1.
#[derive(Args, Debug)]
pub struct Fuzz {
    /// What is fuzzed
    target: Target,
    /// For how long, in seconds
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Target {
    /// Archives, and what lies behind a good preamble or signature
    Bundle,
    /// The engine against `cedar-policy`, on generated policies
    Decision,
    /// Models and programs behind a good header and signature
    Model,
}

/// The longest that bytes may be looked at, in seconds.
const LONGEST: u32 = 10;

/// The most memory that the fuzzer may take, in MiB.
const MEMORY: u32 = 2048;

// === impl Fuzz ===

impl Fuzz {
    /// Runs it; tells whether nothing was wrong.
    pub fn run(self) -> anyhow::Result<bool> {
        let name = self.target.name();
        heading("get ready");
        compiler()?;
        let program = tools::cargo_fuzz()?;
        let folder = tools::workspace().join("host-tests/fuzzing/targets");
        let corpus = folder.join("corpus").join(name);
        seeds(name, &corpus)?;

        heading(&format!("fuzz {name} for {} s", self.seconds));
        let mut fuzz = Command::new(program);
        fuzz.current_dir(tools::workspace()).args(["run", name, "--sanitizer", "none"]);
        fuzz.arg("--fuzz-dir").arg(&folder);
        fuzz.arg("--target-dir").arg(tools::workspace().join("target/fuzz"));
        fuzz.arg(&corpus).arg("--").args([
            format!("-max_total_time={}", self.seconds),
            format!("-timeout={LONGEST}"),
            format!("-rss_limit_mb={MEMORY}"),
            format!("-max_len={}", self.target.longest()),
            "-print_final_stats=1".into(),
        ]);
        let passed = fuzz.status().context("cargo-fuzz")?.success();
        if passed {
            anstream::println!("nothing was wrong in {} s", self.seconds);
        } else if matches!(self.target, Target::Decision) {
            anstream::println!(
                "`cargo xtask differential --bytes FILE` makes a case small and keeps it as a test"
            );
        }
        Ok(passed)
    }
}

// === impl Target ===

impl Target {
    const fn name(self) -> &'static str {
        match self {
            Self::Bundle => "bundle",
            Self::Decision => "decision",
            Self::Model => "model",
        }
    }

    /// The most bytes that are tried.
    const fn longest(self) -> usize {
        match self {
            Self::Decision => 4 * 1024,
            Self::Bundle | Self::Model => 32 * 1024,
        }
    }
}

/// Writes the bytes to begin with.
fn seeds(target: &str, folder: &Path) -> anyhow::Result<()> {
    let run = ["run", "--quiet", "-p", "cedarkey-fuzzing", "--", target];
    run_command(tools::cargo(&run).arg(folder))
}

/// libFuzzer is built from its sources, in C++.
fn compiler() -> anyhow::Result<()> {
    let named = std::env::var_os("CXX").map(PathBuf::from);
    let names = named.into_iter().chain(["c++", "g++", "clang++"].map(PathBuf::from));
    let works = |name: PathBuf| {
        Command::new(name).arg("--version").output().is_ok_and(|it| it.status.success())
    };
    if names.into_iter().any(works) {
        return Ok(());
    }
    anstream::eprintln!("installing g++, with apt-get");
    let mut command = Command::new("apt-get");
    let installed = command.args(["install", "--yes", "g++"]).status();
    let help = "a C++ compiler is needed: install one with the system's package manager";
    ensure!(installed.context(help)?.success(), help);
    Ok(())
}
