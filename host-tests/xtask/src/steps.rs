//! Steps of a run, one after the other, and what they counted.

use anstyle::{AnsiColor, Style};
use anyhow::Context;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

/// What was counted so far.
#[derive(Debug, Default)]
pub struct Tally {
    passed: u64,
    failed: u64,
    skipped: u64,
    /// The names of the steps that failed.
    wrong: Vec<String>,
}

const HEADING: Style = AnsiColor::Cyan.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const SKIPPED: Style = AnsiColor::Yellow.on_default().bold();

// === impl Tally ===

impl Tally {
    /// Runs a step that counts as one.
    pub fn step(&mut self, name: &str, run: impl FnOnce() -> anyhow::Result<()>) {
        heading(name);
        let start = Instant::now();
        match run() {
            Ok(()) => {
                self.passed = self.passed.saturating_add(1);
                anstream::println!("{GOOD}ok{GOOD:#} in {:.0?}", start.elapsed());
            }
            Err(error) => {
                self.fail(name);
                anstream::println!("{BAD}failed{BAD:#}: {error:#}");
            }
        }
    }

    /// Counts a step that is not run, and says why.
    pub fn skip(&mut self, name: &str, reason: &str) {
        heading(name);
        self.skipped = self.skipped.saturating_add(1);
        anstream::println!("{SKIPPED}skipped{SKIPPED:#}: {reason}");
    }

    /// Runs a command that prints the results of tests, each of which counts.
    pub fn tests(&mut self, name: &str, command: &mut Command) {
        heading(name);
        if let Err(error) = self.count(name, command) {
            self.fail(name);
            anstream::println!("{BAD}failed{BAD:#}: {error:#}");
        }
    }

    fn count(&mut self, name: &str, command: &mut Command) -> anyhow::Result<()> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().context("the command's output is not to be had")?;
        let mut failed = 0;
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            anstream::println!("{line}");
            if let Some(result) = line.strip_prefix("test result:") {
                self.passed = self.passed.saturating_add(number_of(result, "passed"));
                self.skipped = self.skipped.saturating_add(number_of(result, "ignored"));
                failed = number_of(result, "failed").saturating_add(failed);
            }
        }
        self.failed = self.failed.saturating_add(failed);
        // What failed without a test that says so is a failure all the same.
        if !child.wait()?.success() && failed == 0 {
            self.fail(name);
        }
        Ok(())
    }

    fn fail(&mut self, name: &str) {
        self.failed = self.failed.saturating_add(1);
        self.wrong.push(name.into());
    }

    /// Prints the closing line; tells whether nothing failed.
    pub fn close(&self) -> bool {
        for name in &self.wrong {
            anstream::println!("{BAD}failed{BAD:#}: {name}");
        }
        let Self { passed, failed, skipped, .. } = self;
        anstream::println!();
        if *skipped > 0 {
            anstream::println!("{passed} passed, {failed} failed, {skipped} skipped");
        } else {
            anstream::println!("{passed} passed, {failed} failed");
        }
        *failed == 0 && *passed > 0
    }
}

/// Announces a step.
pub fn heading(name: &str) {
    anstream::println!("\n{HEADING}== {name}{HEADING:#}");
}

/// Runs a command that must succeed.
pub fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status()?;
    anyhow::ensure!(status.success(), "`{}` ended with {status}", command.get_program().display());
    Ok(())
}

/// The number in front of a word, as in `3 passed`.
fn number_of(line: &str, word: &str) -> u64 {
    let words: Vec<_> = line.split([' ', ';']).collect();
    let found = words.windows(2).find(|pair| pair.last() == Some(&word));
    found.and_then(|pair| pair.first()?.parse().ok()).unwrap_or_default()
}
