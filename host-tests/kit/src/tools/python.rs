//! Packages of the Python package index, in virtual environments.

use super::{ToolError, run, succeeds};
use std::{
    fs::{self, File},
    path::Path,
    process::Command,
};

/// Makes sure that nobody else makes the environment at `path` as long as the file is there.
pub(super) fn lock(path: &Path) -> Result<File, ToolError> {
    let tools = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(tools).map_err(ToolError::file(tools))?;
    let lock = path.with_added_extension("lock");
    let held = File::create(&lock).map_err(ToolError::file(&lock))?;
    held.lock().map_err(ToolError::file(&lock))?;
    Ok(held)
}

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
