//! Why a module cannot be run, or no longer.

use std::{io, path::PathBuf};
use thiserror::Error;

/// Why a module cannot be run, or no longer.
#[derive(Debug, Error)]
pub enum HostError {
    /// It is not a module that can be compiled.
    #[error("`{name}` is not a module: {cause}")]
    Compile {
        /// The file.
        name: String,
        /// The cause.
        cause: String,
    },
    /// It trapped before; a proxy answers every request with an error from then on.
    #[error("the module has trapped before and cannot be called any more")]
    Dead,
    /// It lacks an export, or has it with another type.
    #[error("the module has no usable export `{name}`: {cause}")]
    Export {
        /// The export.
        name: &'static str,
        /// What is wrong with it.
        cause: String,
    },
    /// It imports what no proxy offers.
    #[error("the module cannot be linked: {0}")]
    Link(String),
    /// There is no such call to answer.
    #[error("no HTTP call {0} waits for an answer")]
    NoCall(u32),
    /// The file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// It refused to start in `proxy_on_vm_start`.
    #[error("the module refused to start")]
    Refused,
    /// It trapped: a panic, or a fault.
    #[error("the module trapped in `{call}`: {cause}; it logged last: {}", log.as_deref().unwrap_or("nothing"))]
    Trap {
        /// What was called.
        call: &'static str,
        /// The trap.
        cause: String,
        /// The last thing that the module logged, which for a panic is its message.
        log: Option<String>,
    },
}
