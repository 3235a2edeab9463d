//! `cargo-fuzz`, which builds with a fuzzer's instruments and runs.

use super::{ToolError, cargo, run, workspace};
use std::path::PathBuf;

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
        let install = ["install", "cargo-fuzz", "--locked", "--version", CARGO_FUZZ_VERSION];
        run(cargo(&install).arg("--root").arg(&folder))?;
    }
    Ok(program)
}
