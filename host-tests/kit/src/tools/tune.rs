//! Making a module ready for the requests that there are most of.
//!
//! V8 compiles all of a module before the first request, and takes into each function what it calls,
//! as long as there is room. So what is large, or what no request comes to, is not called but looked
//! up, in the table of functions, which V8 leaves as it is: it compiles much faster, and what
//! requests do come to lies closer together. For the same end it is told which way branches go (the
//! WebAssembly branch hinting proposal, the custom section `metadata.code.branch_hint`); hosts that
//! know nothing of hints pass over them.
//!
//! What requests come to is measured on the module itself: each condition and call reports itself
//! while some are decided.

mod edit;
mod text;

use super::{ToolError, own, run};
use edit::{counted, tuned};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use text::Text;

/// A part of the tuning. A module without one of them shows what that is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tuning {
    /// Hints which way branches go.
    Hints,
    /// Calls by way of the table of functions.
    Lookups,
}

/// By the number of a place: how often a condition was false, and was true; the latter is also how
/// often a call was made.
type Counts = BTreeMap<usize, (u64, u64)>;

/// Tunes a module, in place, without some of the parts. `program` gives a command that runs one of
/// Binaryen's programs.
pub(super) fn tune(
    program: &dyn Fn(&str) -> Command,
    module: &Path,
    without: &[Tuning],
) -> Result<(), ToolError> {
    let [text, counting, counts] =
        ["wat", "counting", "counts"].map(|extension| module.with_extension(extension));
    run(program("wasm-dis").arg(module).arg("-o").arg(&text))?;
    let plain = fs::read_to_string(&text).map_err(ToolError::file(&text))?;
    let read = Text::read(&plain);
    let assemble = |source: String, made: &Path| {
        fs::write(&text, source).map_err(ToolError::file(&text))?;
        run(program("wasm-as").arg(&text).arg("-o").arg(made))
    };
    assemble(counted(&read), &counting)?;
    let [host, requests] = ["tune/host.mjs", "tune/requests.json"].map(own);
    run(Command::new("node").arg(&host).args([&counting, &requests, &counts]))?;
    let found = fs::read(&counts).map_err(ToolError::file(&counts))?;
    let found: Counts =
        serde_json::from_slice(&found).map_err(|error| ToolError::file(&counts)(error.into()))?;
    assemble(tuned(&read, &found, without), module)?;
    [text, counting, counts].iter().try_for_each(remove)
}

fn remove(file: &PathBuf) -> Result<(), ToolError> {
    fs::remove_file(file).map_err(ToolError::file(file))
}
