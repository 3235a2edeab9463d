//! A browser: Debian's Chromium, and what drives it, from the npm registry.

use super::{ToolError, npm, python, run, workspace};
use std::{path::PathBuf, process::Command};

/// The version of `playwright-core` that is fetched.
pub const PLAYWRIGHT_VERSION: &str = "1.65.1";

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
    let chromium = PathBuf::from("/usr/bin/chromium");
    // One process at a time.
    let held = python::lock(&workspace().join("target/tools/chromium"))?;
    if !chromium.is_file() {
        eprintln!("installing chromium, with apt-get");
        run(Command::new("apt-get").arg("update"))?;
        let mut install = Command::new("apt-get");
        install.args(["install", "--yes", "--no-install-recommends", "chromium"]);
        run(install.env("DEBIAN_FRONTEND", "noninteractive"))?;
    }
    drop(held);
    Ok(Browser { chromium, playwright: npm::package("playwright-core", PLAYWRIGHT_VERSION)? })
}
