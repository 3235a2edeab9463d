//! `cargo-fuzz`, which builds with a fuzzer's instruments and runs.

use super::{ToolError, run, workspace};
use std::{env, ffi::OsString, path::PathBuf, process::Command};

/// The version that is installed.
pub const CARGO_FUZZ_VERSION: &str = "0.13.2";

/// Installs `cargo-fuzz` below `target/` if it is not there, and gives its path.
///
/// # Errors
///
/// It cannot be installed; what cargo said is on standard error.
pub fn cargo_fuzz() -> Result<PathBuf, ToolError> {
    let folder = workspace().join("target/tools").join(format!("cargo-fuzz-{CARGO_FUZZ_VERSION}"));
    let program = folder.join("bin/cargo-fuzz");
    if !program.is_file() {
        eprintln!("installing cargo-fuzz {CARGO_FUZZ_VERSION}, which takes a minute or two");
        let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let mut command = Command::new(cargo);
        command.args(["install", "cargo-fuzz", "--locked", "--version", CARGO_FUZZ_VERSION]);
        run(command.arg("--root").arg(&folder).current_dir(workspace()))?;
    }
    Ok(program)
}
