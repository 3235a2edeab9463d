//! Why a tool cannot be had.

use std::{io, path::PathBuf, process::ExitStatus};
use thiserror::Error;

/// Why a tool cannot be had.
#[derive(Debug, Error)]
pub enum ToolError {
    /// A program that fetches or builds it failed; what it said is on standard error.
    #[error("`{command}` failed ({status})")]
    Failed {
        /// The command as it would be typed.
        command: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// A file or folder of its own cannot be read or written.
    #[error("cannot use `{}`", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A build succeeded, but did not make what it should.
    #[error("`{command}` made no `{product}`")]
    Missing {
        /// The command as it would be typed.
        command: String,
        /// What it should have made.
        product: &'static str,
    },
    /// Python cannot make virtual environments.
    #[error(
        "`{python}` cannot make a virtual environment (no module `{module}`): \
         `apt-get install python3-venv` adds it"
    )]
    NoVenv {
        /// The interpreter.
        python: String,
        /// The module that it lacks.
        module: &'static str,
    },
    /// A program that fetches or builds it is not there.
    #[error("cannot run `{command}`")]
    Run {
        /// The command as it would be typed.
        command: String,
        /// The cause.
        source: io::Error,
    },
    /// Something else was to be written where the filter is that ships.
    #[error("`{}` is where the filter lies that ships: choose another folder", .0.display())]
    Shipped(PathBuf),
    /// What was fetched is something else.
    #[error("`{}` is not Envoy {wanted}", path.display())]
    Version {
        /// The program.
        path: PathBuf,
        /// The version that it should be.
        wanted: &'static str,
    },
}

// === impl ToolError ===

impl ToolError {
    pub(super) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        |source| Self::File { path, source }
    }
}
