//! Packages of the Python package index, in virtual environments.

use super::{ToolError, run, succeeds};
use std::{path::Path, process::Command};

/// Makes an environment with these packages.
pub(super) fn install(python: &Path, path: &Path, packages: &[&str]) -> Result<(), ToolError> {
    run(Command::new(python).arg("--version"))?;
    for module in ["venv", "ensurepip"] {
        if !succeeds(Command::new(python).args(["-c", &format!("import {module}")])) {
            let python = python.display().to_string();
            return Err(ToolError::NoVenv { python, module });
        }
    }
    run(Command::new(python).args(["-m", "venv"]).arg(path))?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    run(Command::new(path.join("bin/python")).args(pip).args(packages))
}
