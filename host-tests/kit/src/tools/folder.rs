//! Folders below `target/tools`, each with one tool in it.

use super::ToolError;
use std::{
    fs::{self, File},
    path::Path,
};

/// Written last into a folder, so that its absence tells of one that was left half made.
pub(super) const COMPLETE: &str = "complete";

/// Makes sure that nobody else makes the folder at `path` as long as the file is there.
pub(super) fn lock(path: &Path) -> Result<File, ToolError> {
    let tools = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(tools).map_err(ToolError::file(tools))?;
    let lock = path.with_added_extension("lock");
    let held = File::create(&lock).map_err(ToolError::file(&lock))?;
    held.lock().map_err(ToolError::file(&lock))?;
    Ok(held)
}

/// Makes the folder at `path`, which does not exist then, unless it was made to its end before.
/// Several processes may ask at once: one makes it, the others wait.
pub(super) fn make_once(
    path: &Path,
    make: impl FnOnce() -> Result<(), ToolError>,
) -> Result<(), ToolError> {
    let _held = lock(path)?;
    if path.join(COMPLETE).exists() {
        return Ok(());
    }
    make_anew(path, make)
}

/// Makes the folder at `path` in the place of what may be there. The caller holds its lock.
pub(super) fn make_anew<T>(
    path: &Path,
    make: impl FnOnce() -> Result<T, ToolError>,
) -> Result<T, ToolError> {
    if path.exists() {
        fs::remove_dir_all(path).map_err(ToolError::file(path))?;
    }
    let made = make()?;
    let complete = path.join(COMPLETE);
    fs::write(&complete, "").map_err(ToolError::file(complete))?;
    Ok(made)
}
