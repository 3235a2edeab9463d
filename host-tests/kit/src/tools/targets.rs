//! The Rust targets of the workspace.

use super::{ToolError, run, words};
use std::{path::Path, process::Command};

/// What is built for: proxies, browsers and edge runtimes, and the proof that the engine needs no
/// `std`.
pub const TARGETS: [&str; 3] = ["wasm32-wasip1", "wasm32-unknown-unknown", "wasm32v1-none"];

/// Adds those of [`TARGETS`] to the toolchain that are missing. With all there, no network is
/// needed, and no rustup.
///
/// # Errors
///
/// There is no `rustc`, or one is missing and `rustup` cannot add it.
pub fn targets() -> Result<(), ToolError> {
    for target in TARGETS {
        if !present(target)? {
            eprintln!("fetching the Rust target {target}");
            run(Command::new("rustup").args(["target", "add", target]))?;
        }
    }
    Ok(())
}

/// Whether the toolchain has the target's core library.
fn present(target: &str) -> Result<bool, ToolError> {
    let mut command = Command::new("rustc");
    command.args(["--print", "target-libdir", "--target", target]);
    let output =
        command.output().map_err(|source| ToolError::Run { command: words(&command), source })?;
    if !output.status.success() {
        return Err(ToolError::Failed { command: words(&command), status: output.status });
    }
    let folder = String::from_utf8_lossy(&output.stdout);
    let Ok(mut files) = Path::new(folder.trim()).read_dir() else { return Ok(false) };
    Ok(files.any(|file| {
        file.is_ok_and(|file| file.file_name().to_string_lossy().starts_with("libcore-"))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_is_there() {
        let host = Command::new("rustc").args(["--print", "host-tuple"]).output().unwrap();
        assert!(present(String::from_utf8(host.stdout).unwrap().trim()).unwrap());
        // A target without a ready-made core library, so never installed.
        assert!(!present("x86_64-unknown-openbsd").unwrap());
    }

    #[test]
    fn a_target_that_does_not_exist_is_an_error() {
        let error = present("wasm32-nowhere").unwrap_err().to_string();
        assert!(error.contains("--target wasm32-nowhere` failed (exit status"), "{error}");
    }
}
