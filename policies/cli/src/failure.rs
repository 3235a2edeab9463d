//! Why a command did not work.

use crate::exit::Exit;
use cedarkey_compiler::Problems;
use std::error::Error;
use std::fmt;

/// An error as the user sees it: what is wrong, why, and what would help.
#[derive(Debug)]
pub enum Failure {
    /// The project has problems; each has its own diagnostic.
    Problems(Problems),
    /// Anything else.
    Plain(Plain),
}

/// A failure without a place in a source file.
#[derive(Debug)]
pub struct Plain {
    exit: Exit,
    message: String,
    help: Option<String>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// Gives an error its exit status and what the command was about to do.
pub trait Context<T> {
    /// Wraps an error.
    fn context(self, exit: Exit, message: impl fmt::Display) -> Result<T, Failure>;
}

// === impl Failure ===

impl Failure {
    /// A failure that has no further cause.
    pub fn new(exit: Exit, message: impl fmt::Display) -> Self {
        Self::Plain(Plain { exit, message: message.to_string(), help: None, source: None })
    }

    /// A failure for which something else is to blame.
    pub fn because(
        exit: Exit,
        message: impl fmt::Display,
        cause: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        let source = Some(cause.into());
        Self::Plain(Plain { exit, message: message.to_string(), help: None, source })
    }

    /// Adds what would help.
    #[must_use]
    pub fn help(self, help: impl fmt::Display) -> Self {
        match self {
            Self::Plain(plain) => Self::Plain(Plain { help: Some(help.to_string()), ..plain }),
            problems @ Self::Problems(_) => problems,
        }
    }

    /// The process's exit status.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Problems(_) => Exit::Invalid,
            Self::Plain(plain) => plain.exit,
        }
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::Problems(problems)
    }
}

// === impl Plain ===

impl Plain {
    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What would help.
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// Why, outermost first. A cause that only repeats the one before it is left out.
    pub fn causes(&self) -> Vec<String> {
        let mut causes = Vec::new();
        let mut next = self.source.as_deref().map(|source| source as &dyn Error);
        while let Some(error) = next {
            let text = error.to_string();
            if causes.last().is_none_or(|last: &String| !last.contains(&text)) {
                causes.push(text);
            }
            next = error.source();
        }
        causes
    }
}

// === impl Context ===

impl<T, E: Into<Box<dyn Error + Send + Sync>>> Context<T> for Result<T, E> {
    fn context(self, exit: Exit, message: impl fmt::Display) -> Result<T, Failure> {
        self.map_err(|error| Failure::because(exit, message, error))
    }
}
