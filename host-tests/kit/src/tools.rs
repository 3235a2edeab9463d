//! What tests and the demo need on the machine, fetched or built when it is missing. Whatever is
//! fetched is said on standard error first.

mod binaryen;
mod browser;
mod build;
mod cargo;
mod debian;
mod envoy;
mod error;
mod folder;
mod fuzz;
mod moto;
mod npm;
mod postgres;
mod python;
mod targets;
mod tune;

pub use binaryen::BINARYEN_VERSION;
pub use browser::{Browser, PLAYWRIGHT_VERSION, browser};
pub use build::{
    cedarkey, cedarkey_release, conformance, contender, contender_filter, differential,
    engine_guest, faulty_filter, filter, filter_without,
};
pub use cargo::cargo;
pub use envoy::{ENVOY_VERSION, envoy};
pub use error::ToolError;
pub use fuzz::{CARGO_FUZZ_VERSION, cargo_fuzz};
pub use moto::{MOTO_VERSION, moto};
pub use postgres::postgres;
pub use targets::{TARGETS, targets};
pub use tune::Tuning;

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The root of the workspace that this crate was compiled in.
#[must_use]
pub fn workspace() -> PathBuf {
    let kit = Path::new(env!("CARGO_MANIFEST_DIR"));
    kit.ancestors().nth(2).unwrap_or(kit).into()
}

/// A file that lies among the sources of this module.
fn own(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tools").join(name)
}

/// Runs a program to its end, with its output on standard error: standard output belongs to
/// whoever called.
fn run(command: &mut Command) -> Result<(), ToolError> {
    finish(command.stdout(std::io::stderr()))
}

/// Runs a program to its end, without what it says of success.
fn quietly(command: &mut Command) -> Result<(), ToolError> {
    finish(command.stdout(Stdio::null()))
}

/// Runs a program to its end, as quiet as it can be.
fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

fn finish(command: &mut Command) -> Result<(), ToolError> {
    match command.stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(ToolError::Failed { command: words(command), status }),
        Err(source) => Err(ToolError::Run { command: words(command), source }),
    }
}

/// A command as it would be typed.
fn words(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
