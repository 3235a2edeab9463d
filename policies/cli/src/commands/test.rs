//! `cedarkey test`

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{BAD, DIM, GOOD, Output};
use crate::project;
use cedarkey_compiler::cases::{self, Outcome};
use clap::Args;
use serde_json::json;
use std::io::Write;
use std::path::Path;

/// Run the project's test cases: requests, and what is to be decided.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cedarkey test
  cedarkey test tests/guardrails.yaml")]
pub struct Test {
    /// Case files, or folders of them, relative to the project [default: all in `tests`]
    files: Vec<String>,
}

impl Test {
    /// Runs them.
    pub fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let project = project::load(given)?;
        let files = match self.files.is_empty() {
            true => project.tests.clone(),
            false => self.files.iter().flat_map(|name| within(&project.tests, name)).collect(),
        };
        if files.is_empty() {
            return Err(Failure::new(Exit::Failure, "the project has no test cases")
                .help("put `.yaml` files with cases into the folder `tests`"));
        }
        let mut outcomes = Vec::new();
        for file in &files {
            outcomes.extend(cases::run(&project, file)?);
        }
        let passed = outcomes.iter().filter(|outcome| outcome.passed).count();
        let failed = outcomes.len().saturating_sub(passed);
        let value = json!({ "passed": passed, "failed": failed, "cases": outcomes });
        output.result(&value, |out| {
            for outcome in &outcomes {
                show(outcome, out);
            }
            let style = if failed == 0 { GOOD } else { BAD };
            let _ = writeln!(out, "{style}{passed} passed, {failed} failed{style:#}");
        });
        Ok(if failed == 0 { Exit::Ok } else { Exit::Failure })
    }
}

/// The files of a folder; or else the file itself, which may be missing.
fn within(files: &[String], name: &str) -> Vec<String> {
    let folder = format!("{}/", name.trim_end_matches('/'));
    let within: Vec<_> = files.iter().filter(|file| file.starts_with(&folder)).cloned().collect();
    if within.is_empty() { vec![name.into()] } else { within }
}

fn show(outcome: &Outcome, out: &mut dyn Write) {
    let Outcome { file, name, .. } = outcome;
    if outcome.passed {
        let _ = writeln!(out, "{GOOD}ok{GOOD:#}    {DIM}{file}:{DIM:#} {name}");
        return;
    }
    let _ = writeln!(out, "{BAD}wrong{BAD:#} {DIM}{file}:{DIM:#} {name}");
    let text = |value: serde_json::Result<String>| value.unwrap_or_default();
    let _ = writeln!(out, "        expected {}", text(serde_json::to_string(&outcome.expected)));
    let _ = writeln!(out, "        but got  {}", text(serde_json::to_string(&outcome.actual)));
}
