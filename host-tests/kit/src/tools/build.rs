//! What is built from this workspace.

use super::binaryen::{finish, finish_open, finish_plain, finish_without};
use super::{ToolError, Tuning, cargo, targets, words, workspace};
use serde_json::Value;
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Mutex, PoisonError},
};

/// Builds the filter as it ships, and gives the path of its module. Only the first call of a
/// process builds.
///
/// # Errors
///
/// It does not build; what the compiler said is on standard error.
pub fn filter() -> Result<PathBuf, ToolError> {
    static BUILT: Mutex<Option<PathBuf>> = Mutex::new(None);
    once(&BUILT, || finish(&linked_filter()?))
}

/// Builds the filter without some parts of its tuning, and writes its module to a file, which must
/// not lie where the filter is that ships.
///
/// # Errors
///
/// It does not build; what the compiler said is on standard error. Or the file cannot be written.
pub fn filter_without(without: &[Tuning], to: &Path) -> Result<(), ToolError> {
    if to.is_dir() {
        return Err(ToolError::file(to)(io::ErrorKind::IsADirectory.into()));
    }
    let linked = linked_filter()?;
    let folder = match to.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let folder = fs::canonicalize(folder).map_err(ToolError::file(folder))?;
    if linked.parent().is_some_and(|shipped| folder.starts_with(shipped)) {
        return Err(ToolError::Shipped(to.into()));
    }
    finish_without(&linked, without, to)
}

/// The filter as the linker makes it.
fn linked_filter() -> Result<PathBuf, ToolError> {
    targets()?;
    let arguments = ["--profile", "filter", "-p", "cedarkey-proxy-wasm"];
    let target = ["--target", "wasm32-wasip1"];
    build(&[&arguments[..], &target].concat(), "cedarkey_proxy_wasm.wasm")
}

/// Builds the filter with faults on demand, and gives the path of its module. Only the first call of
/// a process builds.
///
/// # Errors
///
/// It does not build; what the compiler said is on standard error.
pub fn faulty_filter() -> Result<PathBuf, ToolError> {
    static BUILT: Mutex<Option<PathBuf>> = Mutex::new(None);
    once(&BUILT, || {
        targets()?;
        let arguments = ["--profile", "filter", "-p", "cedarkey-proxy-wasm", "--features", "fault"];
        // Apart, so that it is never taken for the one that ships.
        let apart = ["--target", "wasm32-wasip1", "--target-dir", "target/fault"];
        finish_plain(&build(&[&arguments[..], &apart].concat(), "cedarkey_proxy_wasm.wasm")?)
    })
}

/// Builds the command `cedarkey`, and gives its path. Only the first call of a process builds.
///
/// # Errors
///
/// It does not build; what the compiler said is on standard error.
pub fn cedarkey() -> Result<PathBuf, ToolError> {
    static BUILT: Mutex<Option<PathBuf>> = Mutex::new(None);
    // With the features of the whole workspace, so that what the tests built is not built again.
    once(&BUILT, || build(&["--workspace", "--bin", "cedarkey"], "cedarkey"))
}

/// Builds the command `cedarkey` as it is installed, optimised, and gives its path. Only the first
/// call of a process builds.
///
/// # Errors
///
/// It does not build; what the compiler said is on standard error.
pub fn cedarkey_release() -> Result<PathBuf, ToolError> {
    static BUILT: Mutex<Option<PathBuf>> = Mutex::new(None);
    let arguments = ["--release", "-p", "cedarkey", "--bin", "cedarkey"];
    once(&BUILT, || build(&arguments, "cedarkey"))
}

/// Builds one of the programs of `host-tests/contenders`, optimised, and gives its path.
///
/// # Errors
///
/// It does not build; what the compiler said is on standard error.
pub fn contender(name: &'static str) -> Result<PathBuf, ToolError> {
    build_contender(&["--release"], name, name)
}

/// Builds one of the filters of `host-tests/contenders`, and gives the path of its module.
///
/// # Errors
///
/// It does not build; what the compiler said is on standard error.
pub fn contender_filter(name: &str, module: &'static str) -> Result<PathBuf, ToolError> {
    targets()?;
    let how = ["--profile", "filter", "--target", "wasm32-wasip1"];
    finish_open(&build_contender(&how, name, module)?)
}

/// They are a workspace of their own, with a folder of its own for what it builds.
fn build_contender(
    how: &[&str],
    package: &str,
    product: &'static str,
) -> Result<PathBuf, ToolError> {
    let folder = workspace();
    let manifest = folder.join("host-tests/contenders/Cargo.toml");
    let target = folder.join("target/contenders");
    let [manifest, target] = [&manifest, &target].map(|path| path.to_string_lossy());
    let arguments = ["--locked", "-p", package, "--manifest-path", &manifest];
    build(&[how, &arguments, &["--target-dir", &target]].concat(), product)
}

/// Builds the engine as a module, with the profile that the filter ships with, and gives its path.
/// Only the first call of a process builds.
///
/// # Errors
///
/// It does not build; what the compiler said is on standard error.
pub fn engine_guest() -> Result<PathBuf, ToolError> {
    static BUILT: Mutex<Option<PathBuf>> = Mutex::new(None);
    once(&BUILT, || {
        targets()?;
        let arguments = ["--profile", "filter", "-p", "cedarkey-engine-guest"];
        build(
            &[&arguments[..], &["--target", "wasm32-unknown-unknown"]].concat(),
            "cedarkey_engine_guest.wasm",
        )
    })
}

/// Builds the conformance runner, and gives its path. Only the first call of a process builds.
///
/// # Errors
///
/// It does not build; what the compiler said is on standard error.
pub fn conformance() -> Result<PathBuf, ToolError> {
    static BUILT: Mutex<Option<PathBuf>> = Mutex::new(None);
    let arguments = ["--workspace", "--bin", "cedarkey-conformance"];
    once(&BUILT, || build(&arguments, "cedarkey-conformance"))
}

/// Builds the differential test, optimised: it is run for millions of requests. Gives its path.
/// Only the first call of a process builds.
///
/// # Errors
///
/// It does not build; what the compiler said is on standard error.
pub fn differential() -> Result<PathBuf, ToolError> {
    static BUILT: Mutex<Option<PathBuf>> = Mutex::new(None);
    let arguments = ["--release", "-p", "cedarkey-differential", "--bin", "cedarkey-differential"];
    once(&BUILT, || build(&arguments, "cedarkey-differential"))
}

fn once(
    built: &Mutex<Option<PathBuf>>,
    build: impl FnOnce() -> Result<PathBuf, ToolError>,
) -> Result<PathBuf, ToolError> {
    let mut built = built.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(path) = &*built {
        return Ok(path.clone());
    }
    let path = build()?;
    *built = Some(path.clone());
    Ok(path)
}

/// Runs `cargo build` and finds, in what it says it made, the file named `product`.
fn build(arguments: &[&str], product: &'static str) -> Result<PathBuf, ToolError> {
    let mut command = cargo(&["build", "--message-format=json-render-diagnostics"]);
    command.args(arguments).stderr(Stdio::inherit());
    let output =
        command.output().map_err(|source| ToolError::Run { command: words(&command), source })?;
    if !output.status.success() {
        return Err(ToolError::Failed { command: words(&command), status: output.status });
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let files = messages.lines().filter_map(|line| serde_json::from_str(line).ok()).flat_map(files);
    let mut found = files.filter(|file| file.file_name().is_some_and(|name| name == product));
    found.next_back().ok_or_else(|| ToolError::Missing { command: words(&command), product })
}

/// The files that a message of cargo says were made.
fn files(message: Value) -> Vec<PathBuf> {
    let names = message.get("filenames").and_then(Value::as_array).into_iter().flatten();
    names.filter_map(Value::as_str).map(PathBuf::from).collect()
}
