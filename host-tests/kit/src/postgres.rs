//! A running PostgreSQL, with nothing in it, which is gone when it is dropped.

use crate::{
    ports,
    process::{Process, ProcessError},
    tools::{self, ToolError},
};
use rustix::process::{Signal, getuid};
use std::{
    io,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};
use tempfile::TempDir;
use thiserror::Error;

/// Who runs it if this process is root's, which PostgreSQL refuses to be. Debian's package makes the
/// user.
const USER: &str = "postgres";

/// How long anything may take.
const LIMIT: Duration = Duration::from_secs(30);

/// A PostgreSQL on a free port of 127.0.0.1.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    /// None while it is stopped.
    process: Option<Process>,
    port: u16,
    folder: TempDir,
}

/// Why there is no PostgreSQL.
#[derive(Debug, Error)]
pub enum PostgresError {
    /// One of its programs failed.
    #[error("`{program}` failed: {said}")]
    Failed {
        /// The program.
        program: &'static str,
        /// What it said.
        said: String,
    },
    /// Something of the system's failed.
    #[error("PostgreSQL cannot be set up: {0}")]
    Io(#[from] io::Error),
    /// It does not start or stop.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// It cannot be had.
    #[error(transparent)]
    Tool(#[from] ToolError),
}

// === impl Postgres ===

impl Postgres {
    /// Makes a new, empty one, and starts it. It is installed where it is missing.
    ///
    /// # Errors
    ///
    /// It cannot be installed, made or started.
    pub fn start() -> Result<Self, PostgresError> {
        let programs = tools::postgres()?;
        let folder = tempfile::Builder::new().prefix("cedarkey-postgres").tempdir()?;
        if getuid().is_root() {
            let id = said(Command::new("id").args(["-u", USER]), "id")?;
            let id = id.trim().parse().map_err(io::Error::other)?;
            chown(folder.path(), Some(id), None)?;
        }
        let mut postgres = Self { programs, process: None, port: ports::free()?, folder };
        let mut init = postgres.command("initdb");
        init.arg("-D").arg(postgres.data());
        init.args(["-U", USER, "-A", "trust", "-E", "UTF8", "--locale", "C", "--no-sync"]);
        said(&mut init, "initdb")?;
        postgres.resume()?;
        Ok(postgres)
    }

    /// Starts it again after [`stop`](Self::stop), where it was and with what it had.
    ///
    /// # Errors
    ///
    /// It does not start.
    pub fn resume(&mut self) -> Result<(), PostgresError> {
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.data()).args(["-p", &self.port.to_string()]);
        // A test that ends with the machine's power is none.
        for setting in ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off"] {
            command.args(["-c", setting]);
        }
        let log = self.folder.path().with_extension("log");
        let mut process = Process::start(&mut command, &log)?;
        process.until("PostgreSQL takes connections", LIMIT, || {
            said(&mut self.client("pg_isready"), "pg_isready").ok()
        })?;
        // The process keeps it open, and it goes with it.
        std::fs::remove_file(log)?;
        self.process = Some(process);
        Ok(())
    }

    /// Stops it as an operator does who does not wait for clients: their connections end.
    ///
    /// # Errors
    ///
    /// The system does not tell how it ended.
    pub fn stop(&mut self) -> Result<(), PostgresError> {
        if let Some(mut process) = self.process.take() {
            process.stop_by(Signal::INT, LIMIT)?;
        }
        Ok(())
    }

    /// Makes a database, and gives its URL.
    ///
    /// # Errors
    ///
    /// There is one of that name, or the server does not run.
    pub fn create(&self, name: &str) -> Result<String, PostgresError> {
        said(self.client("createdb").arg(name), "createdb")?;
        Ok(format!("postgres://{USER}@127.0.0.1:{}/{name}", self.port))
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// One of its programs, run by somebody who is not root.
    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = if getuid().is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", USER, "--regid", USER, "--clear-groups", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        // It must be able to enter the folder that it runs in.
        command.current_dir(self.folder.path()).env("PATH", path(&self.programs));
        command
    }

    /// One of its programs that connect to it.
    fn client(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.args(["-h", "127.0.0.1", "-U", USER, "-p", &self.port.to_string()]);
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // There is nobody to tell; a process that does not end is killed.
        let _ = self.stop();
    }
}

fn path(programs: &Path) -> String {
    format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", programs.display())
}

/// What a program that works writes to its standard output.
fn said(command: &mut Command, program: &'static str) -> Result<String, PostgresError> {
    let Output { status, stdout, stderr } = command.output()?;
    if status.success() {
        return Ok(String::from_utf8_lossy(&stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&[stdout, stderr].concat()).trim().to_owned();
    Err(PostgresError::Failed { program, said })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;

    #[test]
    fn it_starts_stops_and_starts_again_with_what_it_had() {
        let mut postgres = Postgres::start().unwrap();
        let url = postgres.create("first").unwrap();
        assert!(url.ends_with("/first"), "{url}");
        let address = format!("127.0.0.1:{}", postgres.port);
        TcpStream::connect(&address).unwrap();
        postgres.stop().unwrap();
        TcpStream::connect(&address).unwrap_err();
        postgres.create("second").unwrap_err();
        postgres.resume().unwrap();
        let error = postgres.create("first").unwrap_err().to_string();
        assert!(error.contains("already exists"), "{error}");
        let folder = postgres.folder.path().to_owned();
        drop(postgres);
        TcpStream::connect(&address).unwrap_err();
        assert!(!folder.exists());
    }
}
