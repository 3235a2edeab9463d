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
            false => named(&self.files, &project.tests),
        };
        if files.is_empty() {
            return Err(Failure::new(Exit::Failure, "the project has no test cases")
                .help("put `.yaml` files with cases into the folder `tests`"));
        }
        let mut outcomes = Vec::new();
        for file in &files {
            outcomes.extend(cases::run(&project, file)?);
        }
        if outcomes.is_empty() {
            return Err(Failure::new(Exit::Failure, "the files have no cases"));
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

/// The files that are named, or that are in a folder that is, each once; what is none of these may be
/// missing.
fn named(names: &[String], files: &[String]) -> Vec<String> {
    let mut named = Vec::new();
    for name in names {
        let parts = name.split('/').filter(|part| !matches!(*part, "" | "."));
        let plain = parts.collect::<Vec<_>>().join("/");
        let folder = if plain.is_empty() { plain.clone() } else { format!("{plain}/") };
        let mut within: Vec<_> = files.iter().filter(|file| file.starts_with(&folder)).collect();
        if within.is_empty() {
            within.push(if name.starts_with('/') { name } else { &plain });
        }
        for file in within {
            if !named.contains(file) {
                named.push(file.clone());
            }
        }
    }
    named
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

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn each_file_counts_once_however_it_is_named() {
        let files = ["tests/a.yaml", "tests/b/c.yaml"].map(String::from);
        let of = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(|name| String::from(*name)).collect();
            named(&names, &files).join(" ")
        };
        let all = files.join(" ");
        for name in ["tests", "./tests/", ".", "tests//"] {
            assert_eq!(of(&[name]), all, "{name}");
        }
        assert_eq!(of(&["tests/b", "./tests/b/c.yaml", "tests"]), "tests/b/c.yaml tests/a.yaml");
        assert_eq!(of(&["tests/d.yaml", "/tmp/x.yaml", "test"]), "tests/d.yaml /tmp/x.yaml test");
    }
}
