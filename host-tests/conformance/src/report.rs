//! What came of the tests.

use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;

/// What came of all tests.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// How many tests there are.
    pub tests: usize,
    /// How many requests were answered.
    pub requests: usize,
    /// What is not as it must be, by file.
    pub mismatches: Vec<Mismatch>,
    /// How long it took, in seconds.
    pub seconds: f64,
}

/// A request whose answer is wrong, or a test or request that cannot be run.
#[derive(Debug, Serialize)]
pub struct Mismatch {
    /// The test's file, relative to the folder.
    pub file: String,
    /// Which request it is about; none for the whole test.
    pub request: Option<Which>,
    /// What is wrong.
    pub problem: Problem,
}

/// A request of a test.
#[derive(Clone, Debug, Serialize)]
pub struct Which {
    /// Its position, from 0.
    pub index: usize,
    /// Its description.
    pub description: String,
}

/// What is wrong.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    /// The answer is another one.
    Answer {
        /// The right answer.
        expected: Answer,
        /// The answer of the engine.
        found: Answer,
    },
    /// It cannot be run.
    Failure(String),
}

/// An answer.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// Whether it is allowed.
    pub allow: bool,
    /// The policies that determine it.
    pub reason: BTreeSet<String>,
    /// The policies whose evaluation fails.
    pub errors: BTreeSet<String>,
}

// === impl Report ===

impl Report {
    /// Whether something was run and all of it is right.
    pub fn holds(&self) -> bool {
        self.requests > 0 && self.mismatches.is_empty()
    }

    /// Prints it for people.
    pub fn print(&self) {
        for mismatch in &self.mismatches {
            anstream::println!("{mismatch}");
        }
        let counted = |count: usize, thing: &str| {
            format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
        };
        let (tests, requests) = (counted(self.tests, "test"), counted(self.requests, "request"));
        let mismatches = match self.mismatches.len() {
            1 => "1 mismatch".into(),
            count => format!("{count} mismatches"),
        };
        anstream::println!("{tests}, {requests}, {mismatches}");
    }
}

// === impl Display ===

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(Which { index, description }) = &self.request {
            write!(f, ", request {index} (`{description}`)")?;
        }
        match &self.problem {
            Problem::Answer { expected, found } => {
                write!(f, "\n  expected: {expected}\n  found:    {found}")
            }
            Problem::Failure(message) => write!(f, "\n  {message}"),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.allow { "allow" } else { "deny" })?;
        for (name, policies) in [("reason", &self.reason), ("errors", &self.errors)] {
            let policies: Vec<_> = policies.iter().map(String::as_str).collect();
            write!(f, ", {name} [{}]", policies.join(", "))?;
        }
        Ok(())
    }
}
