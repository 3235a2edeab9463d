//! A project in a folder of its own, and `cedarkey` for it.

use std::error::Error;
use std::path::PathBuf;
use std::process::{Command, Output};
use tempfile::TempDir;

/// The outcome of a test.
pub type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// A project that can be built.
pub struct Project {
    folder: TempDir,
}

/// What lets a key of the payments team read orders.
pub const READER: [&str; 4] = ["--team", "payments", "--scope", "orders:read"];

/// What a command said, and how it ended.
pub struct Said {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Project {
    pub fn new() -> Result<Self> {
        let project = Self { folder: TempDir::new()? };
        project.run(&["init", project.path("shop").to_str().unwrap_or_default()])?.success()?;
        project.run(&["signing-key", "new"])?.success()?;
        Ok(project)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cedarkey"));
        command.args(arguments).current_dir(self.folder.path()).env("NO_COLOR", "1");
        if arguments.first() != Some(&"init") {
            command.arg("-C").arg(self.path("shop"));
        }
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Result<Said> {
        Said::of(self.command(arguments).output()?)
    }
}

impl Project {
    /// The id and the token of a new key of the payments team.
    pub fn issued(&self, options: &[&str]) -> Result<(String, String)> {
        let always = ["keys", "issue", "--owner", "team:payments", "--purpose", "tests"];
        let issued = self.json(&[&always[..], options].concat())?;
        let text = |pointer| issued.pointer(pointer).and_then(|it| it.as_str()).map(String::from);
        Ok((text("/key/id").ok_or("no id")?, text("/token").ok_or("no token")?))
    }

    /// What a command that works says to programs.
    pub fn json(&self, arguments: &[&str]) -> Result<serde_json::Value> {
        let said = self.run(&[arguments, &["--format", "json"]].concat())?.success()?;
        Ok(serde_json::from_str(&said)?)
    }
}

impl Said {
    pub fn of(Output { status, stdout, stderr }: Output) -> Result<Self> {
        Ok(Self {
            status: status.code(),
            stdout: String::from_utf8(stdout)?,
            stderr: String::from_utf8(stderr)?,
        })
    }

    /// What it wrote to standard output, if it worked.
    pub fn success(self) -> Result<String> {
        match self.status {
            Some(0) => Ok(self.stdout),
            status => Err(format!("ended with {status:?}: {}", self.stderr).into()),
        }
    }
}
