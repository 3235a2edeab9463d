//! Moto, from the Python package index: a server that speaks the protocol of object stores.

use super::{ToolError, folder, python, workspace};
use std::path::{Path, PathBuf};

/// The version of Moto that is fetched.
pub const MOTO_VERSION: &str = "5.2.5";

/// The path of the program `moto_server`, which is fetched into `target/tools` of the workspace when
/// it is not there.
///
/// # Errors
///
/// There is no Python that makes virtual environments, or the packages cannot be fetched.
pub fn moto() -> Result<PathBuf, ToolError> {
    let path = workspace().join("target/tools").join(format!("moto-{MOTO_VERSION}"));
    folder::make_once(&path, || {
        let moto = format!("moto[s3]=={MOTO_VERSION}");
        eprintln!(
            "fetching Moto {MOTO_VERSION} ({moto} from the Python package index) into {}",
            path.display()
        );
        // What its server needs besides.
        let packages = [&*moto, "flask==3.1.3", "flask-cors==6.0.5"];
        python::install(Path::new("python3"), &path, &packages)
    })?;
    Ok(path.join("bin/moto_server"))
}
