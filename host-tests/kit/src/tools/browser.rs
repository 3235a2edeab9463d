//! A browser: Debian's Chromium, and what drives it, from the npm registry.

use super::{ToolError, debian, npm};
use std::path::PathBuf;

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
    if !chromium.is_file() {
        debian::install("chromium")?;
    }
    Ok(Browser { chromium, playwright: npm::package("playwright-core", PLAYWRIGHT_VERSION)? })
}
