//! Packages of the npm registry, each in a folder of its own.

use super::{ToolError, python, run, workspace};
use std::{fs, path::PathBuf, process::Command};

/// Written last into the folder, so that its absence tells of one that was left half made.
const COMPLETE: &str = "complete";

/// The folder of a package, which is fetched into `target/tools` of the workspace when it is not
/// there. Nothing that comes with it is run.
pub(super) fn package(name: &str, version: &str) -> Result<PathBuf, ToolError> {
    let folder = workspace().join("target/tools").join(format!("{name}-{version}"));
    let _held = python::lock(&folder)?;
    let complete = folder.join(COMPLETE);
    if !complete.exists() {
        let package = format!("{name}@{version}");
        eprintln!("fetching {package} from the npm registry into {}", folder.display());
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(ToolError::file(&folder))?;
        }
        fs::create_dir_all(&folder).map_err(ToolError::file(&folder))?;
        let mut install = Command::new("npm");
        install.args([
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--loglevel=error",
        ]);
        run(install.arg("--prefix").arg(&folder).arg(package))?;
        fs::write(&complete, "").map_err(ToolError::file(complete))?;
    }
    Ok(folder.join("node_modules").join(name))
}
