//! `wasm-opt` of Binaryen, which makes a module smaller and faster than the compiler does.

use super::{ToolError, npm, python, run};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The version that is fetched.
pub const BINARYEN_VERSION: &str = "132.0.0";

/// What hosts of Proxy-Wasm have in common. A module that needed more would start in some of them
/// only.
const FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// Optimises a module, and gives the path of the one that comes of it, in a folder beside it.
pub(super) fn optimise(module: &Path) -> Result<PathBuf, ToolError> {
    let folder = module.with_file_name("optimised");
    let optimised = folder.join(module.file_name().unwrap_or_default());
    let _held = python::lock(&folder)?;
    if is_newer(&optimised, module) {
        return Ok(optimised);
    }
    let program = npm::package("binaryen", BINARYEN_VERSION)?.join("bin/wasm-opt");
    fs::create_dir_all(&folder).map_err(ToolError::file(&folder))?;
    let made = optimised.with_extension("new");
    let mut command = Command::new("node");
    command.arg(program).args(["-O2", "--strip-debug", "--strip-producers"]).args(FEATURES);
    run(command.arg(module).arg("-o").arg(&made))?;
    fs::rename(&made, &optimised).map_err(ToolError::file(&optimised))?;
    Ok(optimised)
}

/// Whether a file was made after another.
fn is_newer(file: &Path, than: &Path) -> bool {
    let made = |path: &Path| fs::metadata(path).and_then(|data| data.modified()).ok();
    made(file).zip(made(than)).is_some_and(|(one, other)| one > other)
}
