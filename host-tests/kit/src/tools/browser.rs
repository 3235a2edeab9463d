//! A browser: Debian's Chromium, and what drives it, from the npm registry.

use super::{ToolError, python, run, workspace};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The version of `playwright-core` that is fetched.
pub const PLAYWRIGHT_VERSION: &str = "1.65.1";

/// Written last into the folder, so that its absence tells of one that was left half made.
const COMPLETE: &str = "complete";

/// A browser that scripts can drive.
#[derive(Clone, Debug)]
pub struct Browser {
    /// The program.
    pub chromium: PathBuf,
    /// The package `playwright-core`, which Node.js loads.
    pub playwright: PathBuf,
}

/// The browser. Where there is no Chromium, Debian's package is installed; `playwright-core` is
/// fetched into `target/tools` of the workspace.
///
/// # Errors
///
/// There is no `npm`, or one of them cannot be had.
pub fn browser() -> Result<Browser, ToolError> {
    let folder = workspace().join("target/tools").join(format!("playwright-{PLAYWRIGHT_VERSION}"));
    // One process at a time, for both.
    let _held = python::lock(&folder)?;
    let chromium = PathBuf::from("/usr/bin/chromium");
    if !chromium.is_file() {
        eprintln!("installing chromium, with apt-get");
        run(Command::new("apt-get").arg("update"))?;
        let mut install = Command::new("apt-get");
        install.args(["install", "--yes", "--no-install-recommends", "chromium"]);
        run(install.env("DEBIAN_FRONTEND", "noninteractive"))?;
    }
    let playwright = folder.join("node_modules/playwright-core");
    if !folder.join(COMPLETE).exists() {
        fetch(&folder)?;
    }
    Ok(Browser { chromium, playwright })
}

fn fetch(folder: &Path) -> Result<(), ToolError> {
    let package = format!("playwright-core@{PLAYWRIGHT_VERSION}");
    eprintln!("fetching {package} from the npm registry into {}", folder.display());
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(ToolError::file(folder))?;
    }
    fs::create_dir_all(folder).map_err(ToolError::file(folder))?;
    let mut install = Command::new("npm");
    install.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]);
    run(install.arg("--prefix").arg(folder).arg(package))?;
    let complete = folder.join(COMPLETE);
    fs::write(&complete, "").map_err(ToolError::file(complete))
}
