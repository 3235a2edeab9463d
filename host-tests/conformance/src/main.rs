//! Runs Cedar's integration tests on the compiled form.
//!
//! ```text
//! folder -> test -> bundle bytes -> session (native, or in wasm) -> answers -> report
//! ```

mod bundle;
mod folder;
mod policies;
mod question;
mod report;
mod run;
mod session;
mod test;

use anyhow::Context;
use cedarkey_host_kit::{engine_host::EngineModule, tools};
use clap::{Parser, ValueEnum};
use folder::Folder;
use session::Host;
use std::path::PathBuf;
use std::process::ExitCode;

/// Run Cedar's integration tests on compiled policies.
///
/// Policies, schema and entities of each test become a signed bundle, which is opened again from its
/// bytes. Each request must get the decision, the determining policies and the failing policies that
/// the test names. Whether policies pass Cedar's validator is not compared; entities that do not fit
/// the schema, and contexts of requests with `validateRequest: false`, are read without it.
///
/// The form is that of Cedar's integration tests: `policies`, `entities`, `schema` and `requests`.
/// Policies and schemas may also be in their JSON formats, the schema may be left out, and `links`
/// may name a file of templates' links as the Cedar CLI takes it.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask conformance", max_term_width = 100)]
struct Cli {
    /// A folder of tests, of archives of tests (`.tar.xz`), or one archive; the files of a test are
    /// relative to it, or to the test
    dir: PathBuf,
    /// Decide in the engine's wasm32 build
    #[arg(long)]
    wasm: bool,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Human,
    /// For scripts
    Json,
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            anstream::eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<bool> {
    let host = if cli.wasm {
        let module = tools::engine_guest().context("the engine's wasm32 build")?;
        Host::Wasm(EngineModule::load(module)?)
    } else {
        Host::Native
    };
    let folder = Folder::open(&cli.dir)?;
    let report = run::run(&folder, &host)?;
    match cli.format {
        Format::Human => report.print(),
        Format::Json => anstream::println!("{}", serde_json::to_string(&report)?),
    }
    if report.requests == 0 {
        anstream::eprintln!(
            "error: no request was run: there is no test in `{}`",
            cli.dir.display()
        );
    }
    Ok(report.holds())
}
