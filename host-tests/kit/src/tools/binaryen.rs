//! Binaryen, which makes a module smaller and faster than the compiler does.

use super::tune::{self, Tuning};
use super::{ToolError, folder::lock, npm, own, quietly, run};
use serde_json::json;
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

/// What a proxy may call in the filter. The SDK has entrances for all events that there are, and a
/// proxy goes in by each that it finds, for every request, only to be told that nobody cares.
const ENTRANCES: [&str; 12] = [
    "_initialize",
    "memory",
    "proxy_abi_version_0_2_1",
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_delete",
    "proxy_on_http_call_response",
    "proxy_on_memory_allocate",
    "proxy_on_request_headers",
    "proxy_on_request_trailers",
    "proxy_on_tick",
    "proxy_on_vm_start",
];

/// What a finished module is made with, besides the module that the linker made, in `src/tools`.
const INPUTS: [&str; 7] = [
    "binaryen.rs",
    "entrances.wat",
    "tune.rs",
    "tune/edit.rs",
    "tune/host.mjs",
    "tune/requests.json",
    "tune/text.rs",
];

/// Optimises the module of the filter for the requests that there are most of, and gives the path of
/// the one that comes of it, in a folder beside it.
pub(super) fn finish(module: &Path) -> Result<PathBuf, ToolError> {
    make(module, |program, made| {
        close(program, module, made)?;
        tune::tune(program, made, &[])
    })
}

/// The same without some parts of the tuning, made anew, as the file `to`: a module to be measured,
/// which may need what not all hosts have.
pub(super) fn finish_without(
    module: &Path,
    without: &[Tuning],
    to: &Path,
) -> Result<(), ToolError> {
    let programs = programs()?;
    let program = |name: &str| {
        let mut command = programs(name);
        command.arg("--enable-simd");
        command
    };
    let folder = tempfile::tempdir().map_err(ToolError::file(std::env::temp_dir()))?;
    let made = folder.path().join("module");
    close(&program, module, &made)?;
    tune::tune(&program, &made, without)?;
    fs::copy(&made, to).map(drop).map_err(ToolError::file(to))
}

/// Optimises the module of the filter for no request in particular.
pub(super) fn finish_plain(module: &Path) -> Result<PathBuf, ToolError> {
    make(module, |program, made| close(program, module, made))
}

/// Gives a module its own entrances in the place of the SDK's, leaves out of it what no proxy calls,
/// and optimises it.
fn close(program: &dyn Fn(&str) -> Command, module: &Path, made: &Path) -> Result<(), ToolError> {
    let [merged, graph, closed] =
        ["merged", "json", "closed"].map(|extension| made.with_extension(extension));
    let mut merge = program("wasm-merge");
    // Of two exports with one name the first stays.
    merge.arg(own("entrances.wat")).arg("entrances").arg(module).arg("filter");
    run(merge.arg("--skip-export-conflicts").arg("-o").arg(&merged))?;
    let kept = ENTRANCES.map(|name| json!({ "name": name, "export": name }));
    let root = json!({ "name": "proxy", "root": true, "reaches": ENTRANCES });
    let nodes: Vec<_> = [root].into_iter().chain(kept).collect();
    fs::write(&graph, json!(nodes).to_string()).map_err(ToolError::file(&graph))?;
    // It says at length what it leaves out.
    let mut close = program("wasm-metadce");
    quietly(close.arg(&merged).arg("-f").arg(&graph).arg("-o").arg(&closed))?;
    optimise(program, &closed, made)
}

/// Optimises a module as it is, as [`finish`] does.
pub(super) fn finish_open(module: &Path) -> Result<PathBuf, ToolError> {
    make(module, |program, made| optimise(program, module, made))
}

fn optimise(
    program: &dyn Fn(&str) -> Command,
    module: &Path,
    made: &Path,
) -> Result<(), ToolError> {
    let mut optimise = program("wasm-opt");
    // What has one caller only has been left out of it on purpose: it is seldom called.
    let settings = ["-O2", "--one-caller-inline-max-function-size", "0"];
    // Generic code is there many times, with other constants.
    optimise.args(settings).arg("--merge-similar-functions");
    optimise.args(["--strip-debug", "--strip-producers"]);
    run(optimise.arg(module).arg("-o").arg(made))
}

/// Makes what is in the folder beside a module, unless it is newer than all that it is made of.
fn make(
    module: &Path,
    make: impl FnOnce(&dyn Fn(&str) -> Command, &Path) -> Result<(), ToolError>,
) -> Result<PathBuf, ToolError> {
    let folder = module.with_file_name("optimised");
    let optimised = folder.join(module.file_name().unwrap_or_default());
    let _held = lock(&folder)?;
    let inputs = INPUTS.map(own);
    if inputs.iter().map(PathBuf::as_path).chain([module]).all(|of| is_newer(&optimised, of)) {
        return Ok(optimised);
    }
    let program = programs()?;
    fs::create_dir_all(&folder).map_err(ToolError::file(&folder))?;
    let made = optimised.with_extension("new");
    make(&program, &made)?;
    fs::rename(&made, &optimised).map_err(ToolError::file(&optimised))?;
    Ok(optimised)
}

/// Gives commands that run Binaryen's programs, by name.
fn programs() -> Result<impl Fn(&str) -> Command, ToolError> {
    let programs = npm::package("binaryen", BINARYEN_VERSION)?.join("bin");
    Ok(move |name: &str| {
        let mut command = Command::new("node");
        command.arg(programs.join(name)).args(FEATURES);
        command
    })
}

/// Whether a file was made after another.
fn is_newer(file: &Path, than: &Path) -> bool {
    let made = |path: &Path| fs::metadata(path).and_then(|data| data.modified()).ok();
    made(file).zip(made(than)).is_some_and(|(one, other)| one > other)
}
