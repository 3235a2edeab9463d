//! `cedarkey test`

use crate::exit::Exit;
use crate::explained;
use crate::failure::Failure;
use crate::output::{BAD, DIM, GOOD, Output};
use crate::project;
use cedarkey_compiler::Project;
use cedarkey_compiler::cases::{self, Outcome};
use cedarkey_compiler::explain::Considered;
use clap::Args;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;

/// Run the project's test cases: requests, and what is to be decided.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cedarkey test
  cedarkey test tests/guardrails.yaml --explain")]
pub struct Test {
    /// Case files, or folders of them, relative to the project [default: all in `tests`]
    files: Vec<String>,
    /// Tell of each case that came out wrong what decided, and what each other policy whose scope
    /// matched had to say
    #[arg(long)]
    explain: bool,
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
        let mut explained = Vec::new();
        for outcome in &outcomes {
            explained.push(match self.explain && !outcome.passed {
                true => explain(&project, outcome)?,
                false => None,
            });
        }
        let told = || outcomes.iter().zip(&explained);
        let cases: Vec<_> =
            told().map(|(outcome, considered)| view(outcome, considered.as_deref())).collect();
        let value = json!({ "passed": passed, "failed": failed, "cases": cases });
        output.result(&value, |out| {
            for (outcome, considered) in told() {
                show(outcome, out);
                if let Some(considered) = considered {
                    explained::tell(outcome.actual.cause, considered, output, out);
                    let _ = writeln!(out);
                }
            }
            let style = if failed == 0 { GOOD } else { BAD };
            let _ = writeln!(out, "{style}{passed} passed, {failed} failed{style:#}");
        });
        if failed > 0 && !self.explain {
            output.note(format_args!("{DIM}`cedarkey test --explain` tells why{DIM:#}"));
        }
        Ok(if failed == 0 { Exit::Ok } else { Exit::Failure })
    }
}

/// The files of a folder; or else the file itself, which may be missing.
fn within(files: &[String], name: &str) -> Vec<String> {
    let folder = format!("{}/", name.trim_end_matches('/'));
    let within: Vec<_> = files.iter().filter(|file| file.starts_with(&folder)).cloned().collect();
    if within.is_empty() { vec![name.into()] } else { within }
}

/// What policies had to say to a request that a case has.
fn explain(project: &Project, outcome: &Outcome) -> Result<Option<Vec<Considered>>, Failure> {
    let mut considered = cases::explain(project, outcome)?;
    if let Some(considered) = &mut considered {
        explained::sort(considered);
    }
    Ok(considered)
}

/// A case, for scripts.
fn view(outcome: &Outcome, considered: Option<&[Considered]>) -> Value {
    let mut value = json!(outcome);
    if let (Some(considered), Some(fields)) = (considered, value.as_object_mut()) {
        fields.insert("considered".into(), considered.iter().map(explained::view).collect());
    }
    value
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
