//! `cedarkey signing-key`

use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::output::{DIM, Output};
use crate::project;
use crate::signing;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cedarkey_bundle::{Demand, Envelope, Manifest, SigningKey};
use clap::{Args, Subcommand};
use serde_json::json;
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Make and show signing keys.
#[derive(Debug, Subcommand)]
pub enum SigningKeyCommand {
    New(New),
    Show(Show),
    Sign(Sign),
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
    /// The file to read [default: all keys that sign for the project]
    file: Option<PathBuf>,
}

/// Sign a bundle for another machine, which has no key.
///
/// It reads what is to be signed from standard input and writes the signature to standard output,
/// as a command of `signing.keys` in cedarkey.toml must. What is neither a bundle's manifest nor a
/// question about what leaked of it is not signed.
#[derive(Args, Debug)]
#[command(after_help = "Example, in the cedarkey.toml of a machine that builds:
  [[signing.keys]]
  command = [\"ssh\", \"signer\", \"cedarkey\", \"signing-key\", \"sign\", \"shop.key\"]
  public = \"ed25519:O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik=\"")]
pub struct Sign {
    /// The signing key's file
    file: PathBuf,
    /// Sign bundles of this name alone
    #[arg(long, value_name = "NAME")]
    bundle: Option<String>,
}

// === impl SigningKeyCommand ===

impl SigningKeyCommand {
    /// Makes or shows a key.
    pub fn run(self, project: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        match self {
            Self::New(command) => command.run(project, output),
            Self::Show(command) => command.run(project, output),
            Self::Sign(command) => command.run(output),
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
                (settings.new_key.clone(), Some(settings))
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
        let keys = match self.file {
            Some(file) => vec![signing::read_file(&file)?.public()],
            None => {
                let settings = project::settings(project)?;
                let sources = settings.signing_keys.iter();
                sources
                    .map(|source| signing::public(source, &settings.root))
                    .collect::<Result<_, _>>()?
            }
        };
        let keys: Vec<_> = keys.iter().map(ToString::to_string).collect();
        output.result(&json!({ "public": keys }), |out| {
            for public in &keys {
                let _ = writeln!(out, "{public}");
            }
        });
        Ok(Exit::Ok)
    }
}

// === impl Sign ===

impl Sign {
    fn run(self, output: &Output) -> Result<Exit, Failure> {
        let key = signing::read_file(&self.file)?;
        let mut message = Vec::new();
        let limit = u64::try_from(Envelope::MAX_BYTES).unwrap_or(u64::MAX);
        let read = std::io::stdin().lock().take(limit).read_to_end(&mut message);
        read.context(Exit::Failure, "cannot read what is to be signed")?;
        let (name, what) = asked(&message)?;
        if self.bundle.as_ref().is_some_and(|only| *only != name) {
            let message = format!("this key does not sign bundles of the name `{name}`");
            return Err(Failure::new(Exit::Bundle, message));
        }
        let signature = STANDARD.encode(key.sign(&message));
        output.note(format_args!("{DIM}signed {what}{DIM:#}"));
        output.result(&json!({ "signature": signature }), |out| {
            let _ = writeln!(out, "{signature}");
        });
        Ok(Exit::Ok)
    }
}

/// Of which bundle it is that is to be signed, and what it is for people.
fn asked(message: &[u8]) -> Result<(String, String), Failure> {
    if let Some(Demand { what, bundle, .. }) = Demand::of_message(message) {
        let shown = format!("a request about {bundle}: {what}");
        return Ok((bundle, shown));
    }
    let Manifest { name, version, .. } = Manifest::of_message(message)
        .context(Exit::Bundle, "what is to be signed is not a bundle's manifest")?;
    let shown = format!("{name} version {version}");
    Ok((name, shown))
}
