//! Packages of Debian.

use super::{ToolError, folder::lock, run, workspace};
use std::process::Command;

/// Installs a package, and says so. Several may ask at once; `apt-get` itself does not wait.
///
/// # Errors
///
/// It cannot be installed; what `apt-get` said is on standard error.
pub(super) fn install(package: &str) -> Result<(), ToolError> {
    let _held = lock(&workspace().join("target/tools/debian"))?;
    eprintln!("installing {package}, with apt-get");
    run(Command::new("apt-get").arg("update"))?;
    let mut install = Command::new("apt-get");
    install.args(["install", "--yes", "--no-install-recommends", package]);
    run(install.env("DEBIAN_FRONTEND", "noninteractive"))
}
