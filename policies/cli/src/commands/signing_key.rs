//! `cedarkey signing-key`

use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::output::{DIM, Output};
use crate::project;
use cedarkey_bundle::SigningKey;
use clap::{Args, Subcommand};
use serde_json::json;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Make and show signing keys.
#[derive(Debug, Subcommand)]
pub enum SigningKeyCommand {
    New(New),
    Show(Show),
}

/// Make a new Ed25519 signing key in a file that only you can read.
///
/// In a project, the public key is added to `signing.trusted` in cedarkey.toml.
#[derive(Args, Debug)]
#[command(after_help = "Example:
  cedarkey signing-key new")]
pub struct New {
    /// The file to write [default: `signing.key` of the project's cedarkey.toml]
    file: Option<PathBuf>,
}

/// Show the public key of a signing key.
#[derive(Args, Debug)]
pub struct Show {
    /// The file to read [default: `signing.key` of the project's cedarkey.toml]
    file: Option<PathBuf>,
}

// === impl SigningKeyCommand ===

impl SigningKeyCommand {
    /// Makes or shows a key.
    pub fn run(self, project: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        match self {
            Self::New(command) => command.run(project, output),
            Self::Show(command) => command.run(project, output),
        }
    }
}

// === impl New ===

impl New {
    fn run(self, project: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let (file, trusting) = match self.file {
            Some(file) => (file, None),
            None => {
                let settings = project::settings(project)?;
                (settings.signing_key.clone(), Some(settings))
            }
        };
        let key = generate()?;
        write_private(&file, &key.to_text())?;
        let public = key.public().to_string();
        if let Some(settings) = &trusting {
            project::trust(settings, &public)?;
        }
        let shown = file.display();
        output.result(&json!({ "file": file, "public": public }), |out| {
            let _ = writeln!(out, "{public}");
        });
        output
            .note(format_args!("{DIM}the private key is in `{shown}`: keep it out of git{DIM:#}"));
        if trusting.is_some() {
            output.note(format_args!("{DIM}the project now trusts this key{DIM:#}"));
        }
        Ok(Exit::Ok)
    }
}

fn generate() -> Result<SigningKey, Failure> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(seed.as_mut_slice())
        .map_err(|error| Failure::new(Exit::Failure, format_args!("no random bytes: {error}")))?;
    Ok(SigningKey::from_seed(*seed))
}

/// Writes a new file that only its owner can read; never replaces one.
fn write_private(file: &Path, text: &str) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let shown = file.display();
    let written = options.open(file).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")
    });
    match written {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(Failure::new(Exit::Bundle, format_args!("`{shown}` exists already"))
                .help("a signing key is never replaced: name another file, or move this one away"))
        }
        other => other.context(Exit::Bundle, format_args!("cannot write `{shown}`")),
    }
}

// === impl Show ===

impl Show {
    fn run(self, project: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let file = match self.file {
            Some(file) => file,
            None => project::settings(project)?.signing_key,
        };
        let public = project::read_signing_key(&file)?.public().to_string();
        output.result(&json!({ "file": file, "public": public }), |out| {
            let _ = writeln!(out, "{public}");
        });
        Ok(Exit::Ok)
    }
}
