//! `cargo xtask conformance`, and its part of `cargo xtask test`

use crate::steps::{Tally, run};
use cedarkey_host_kit::tools;
use clap::Args;
use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

/// Names the folder that `cargo xtask test` runs.
const FOLDER: &str = "CEDARKEY_CONFORMANCE";

/// Where that folder is if nothing is said, seen from the workspace.
const BESIDE: &str = "../shared/cedar-corpus";

/// Run Cedar's integration tests on compiled policies.
#[derive(Args, Debug)]
#[command(disable_help_flag = true)]
pub struct Conformance {
    /// What the runner is told
    #[arg(allow_hyphen_values = true, trailing_var_arg = true)]
    arguments: Vec<OsString>,
}

// === impl Conformance ===

impl Conformance {
    /// Builds and runs the runner; tells whether all answers were right.
    pub fn run(self) -> anyhow::Result<bool> {
        let status = Command::new(tools::conformance()?).args(self.arguments).status()?;
        Ok(status.success())
    }
}

/// Runs the tests of the folder that the environment names, or of the one beside the workspace.
pub fn test(tally: &mut Tally) {
    let native = "Cedar's integration tests";
    let wasm = "Cedar's integration tests, in wasm";
    let named = env::var_os(FOLDER).map(PathBuf::from);
    let folder = match folder(named, tools::workspace().join(BESIDE)) {
        Ok(folder) => folder,
        Err(reason) => {
            tally.skip(native, &reason);
            tally.skip(wasm, &reason);
            return;
        }
    };
    let runner = || Ok::<_, anyhow::Error>(Command::new(tools::conformance()?));
    tally.step(native, || run(runner()?.arg(&folder)));
    tally.step(wasm, || run(runner()?.arg(&folder).arg("--wasm")));
}

/// The folder to run, or why there is none. One that somebody names is never skipped.
fn folder(named: Option<PathBuf>, beside: PathBuf) -> Result<PathBuf, String> {
    named.or_else(|| beside.exists().then_some(beside)).ok_or_else(|| {
        format!("there is no `{BESIDE}` beside the workspace, and `{FOLDER}` names no other folder")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_names_is_skipped() {
        let here = tools::workspace();
        let nowhere = here.join("nowhere");
        assert_eq!(folder(None, here.clone()), Ok(here.clone()));
        assert_eq!(folder(Some(nowhere.clone()), here), Ok(nowhere.clone()));
        let reason = folder(None, nowhere).unwrap_err();
        assert!(reason.contains(BESIDE) && reason.contains(FOLDER), "{reason}");
    }
}
