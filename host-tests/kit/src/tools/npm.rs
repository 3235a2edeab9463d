//! Packages of the npm registry, each in a folder of its own.

use super::{ToolError, folder, run, workspace};
use std::{fs, path::PathBuf, process::Command};

/// The folder of a package, which is fetched into `target/tools` of the workspace when it is not
/// there. Nothing that comes with it is run.
pub(super) fn package(name: &str, version: &str) -> Result<PathBuf, ToolError> {
    let path = workspace().join("target/tools").join(format!("{name}-{version}"));
    folder::make_once(&path, || {
        let package = format!("{name}@{version}");
        eprintln!("fetching {package} from the npm registry into {}", path.display());
        fs::create_dir_all(&path).map_err(ToolError::file(&path))?;
        let mut install = Command::new("npm");
        install.args([
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--loglevel=error",
        ]);
        run(install.arg("--prefix").arg(&path).arg(package))
    })?;
    Ok(path.join("node_modules").join(name))
}
