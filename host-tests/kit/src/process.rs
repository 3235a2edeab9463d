//! A child process with a log file, which never outlives the value that stands for it.

use crate::wait;
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};
use thiserror::Error;

/// How long a process has to end after it was asked to, before it is killed.
pub const GRACE: Duration = Duration::from_secs(5);

/// How many of the last lines of its log an error about a process carries.
const TAIL: usize = 30;

/// A running child process. Dropping it stops it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    name: String,
    log: PathBuf,
}

/// Why a process is not there, or not in the state waited for.
#[derive(Debug, Error)]
pub enum ProcessError {
    /// It ended before what was waited for came true.
    #[error("`{name}` ended ({status}) before it was ready; its log ends with:\n{tail}")]
    Ended {
        /// The program.
        name: String,
        /// How it ended.
        status: ExitStatus,
        /// The last lines of its log.
        tail: String,
    },
    /// It runs, but what was waited for did not come true in time.
    #[error("`{name}`: {late}; its log ends with:\n{tail}")]
    Late {
        /// The program.
        name: String,
        /// What was waited for.
        late: wait::Late,
        /// The last lines of its log.
        tail: String,
    },
    /// The file that should get its output cannot be made.
    #[error("cannot write the log `{}`", path.display())]
    Log {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// It cannot be started.
    #[error("cannot start `{name}`")]
    Start {
        /// The program.
        name: String,
        /// The cause.
        source: io::Error,
    },
    /// The system does not say how it does.
    #[error("cannot wait for `{name}`")]
    Wait {
        /// The program.
        name: String,
        /// The cause.
        source: io::Error,
    },
}

// === impl Process ===

impl Process {
    /// Starts `command` with nothing as its input, and both its outputs in the file `log`.
    ///
    /// # Errors
    ///
    /// The log cannot be made, or the program not started.
    pub fn start(command: &mut Command, log: &Path) -> Result<Self, ProcessError> {
        let program = Path::new(command.get_program());
        let name = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into();
        let open = || {
            let out = File::create(log)?;
            Ok((out.try_clone()?, out))
        };
        let (out, err) = open().map_err(|source| ProcessError::Log { path: log.into(), source })?;
        match command.stdin(Stdio::null()).stdout(out).stderr(err).spawn() {
            Ok(child) => Ok(Self { child, name, log: log.into() }),
            Err(source) => Err(ProcessError::Start { name, source }),
        }
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// All it has written to its outputs so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read(&self.log)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Waits at most `limit` until `look` gives a value.
    ///
    /// # Errors
    ///
    /// The process ended first, or the time is over.
    pub fn until<T>(
        &mut self,
        what: &str,
        limit: Duration,
        mut look: impl FnMut() -> Option<T>,
    ) -> Result<T, ProcessError> {
        let looked = wait::until(what, limit, || {
            // Asked first, so that what it did last before it ended is still seen.
            let ended = self.child.try_wait();
            match (look(), ended) {
                (Some(found), _) => Some(Ok(found)),
                (None, Ok(None)) => None,
                (None, Ok(Some(status))) => Some(Err(Ok(status))),
                (None, Err(source)) => Some(Err(Err(source))),
            }
        });
        let name = || self.name.clone();
        match looked {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(Ok(status))) => {
                Err(ProcessError::Ended { name: name(), status, tail: self.tail() })
            }
            Ok(Err(Err(source))) => Err(ProcessError::Wait { name: name(), source }),
            Err(late) => Err(ProcessError::Late { name: name(), late, tail: self.tail() }),
        }
    }

    /// Waits at most `limit` until it has ended by itself.
    ///
    /// # Errors
    ///
    /// It still runs.
    pub fn ended(&mut self, limit: Duration) -> Result<ExitStatus, ProcessError> {
        match self.until("the end", limit, || None::<()>) {
            Err(ProcessError::Ended { status, .. }) => Ok(status),
            Err(error) => Err(error),
            Ok(()) => self.wait(),
        }
    }

    /// Asks it to end (SIGTERM), and kills it (SIGKILL) when it has not within [`GRACE`].
    ///
    /// # Errors
    ///
    /// The system does not tell how it ended.
    pub fn stop(&mut self) -> Result<ExitStatus, ProcessError> {
        self.stop_within(GRACE)
    }

    /// As [`stop`](Self::stop), with a grace of its own.
    ///
    /// # Errors
    ///
    /// The system does not tell how it ended.
    pub fn stop_within(&mut self, grace: Duration) -> Result<ExitStatus, ProcessError> {
        self.stop_by(Signal::TERM, grace)
    }

    /// As [`stop_within`](Self::stop_within), for one that is asked by another signal.
    ///
    /// # Errors
    ///
    /// The system does not tell how it ended.
    pub fn stop_by(&mut self, signal: Signal, grace: Duration) -> Result<ExitStatus, ProcessError> {
        self.signal(signal);
        match self.ended(grace) {
            Err(ProcessError::Late { .. }) => {
                self.signal(Signal::KILL);
                self.wait()
            }
            other => other,
        }
    }

    fn wait(&mut self) -> Result<ExitStatus, ProcessError> {
        self.child.wait().map_err(|source| ProcessError::Wait { name: self.name.clone(), source })
    }

    /// Sends a signal, unless the process has ended: its id may be another's by then.
    fn signal(&mut self, signal: Signal) {
        if let Ok(None) = self.child.try_wait() {
            // It cannot fail for a child that has not been waited for.
            let _ = kill_process(Pid::from_child(&self.child), signal);
        }
    }

    /// The last lines of the log.
    fn tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines.get(lines.len().saturating_sub(TAIL)..).unwrap_or_default().join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // There is nobody to tell; the system has it or it is gone.
        let _ = self.stop();
    }
}

#[cfg(test)]
mod tests;
