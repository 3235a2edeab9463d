//! Cargo, called by what cargo runs.

use super::workspace;
use std::{env, ffi::OsString, process::Command};

/// A command of cargo for this workspace.
///
/// Cargo tells what it runs about its package in the environment. Handed on, that would make some
/// build scripts believe that all has changed, and crates would be built over and over.
#[must_use]
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command.args(arguments).current_dir(workspace());
    command
}
