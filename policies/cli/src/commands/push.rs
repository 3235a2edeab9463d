//! `cedarkey push`

use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::output::{GOOD, Output};
use crate::progress::Progress;
use crate::{bundle, publisher};
use cedarkey_bundle::Archive;
use clap::Args;
use jiff::SignedDuration;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Send a bundle to a publisher, from which the proxies take it.
///
/// Without a file the project is built first.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cedarkey push --to http://127.0.0.1:9180
  cedarkey push quickstart.ckb --to https://bundles.example.com")]
pub struct Push {
    /// The bundle to send [default: the project, built anew]
    file: Option<PathBuf>,
    /// The publisher's address
    #[arg(long, value_name = "URL", env = "CEDARKEY_PUBLISHER")]
    to: reqwest::Url,
    /// How long it may take
    #[arg(long, value_name = "TIME", default_value = "60s")]
    timeout: SignedDuration,
}

impl Push {
    /// Sends it.
    pub async fn run(self, project: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let (archive, bytes) = match &self.file {
            Some(file) => {
                let shown = file.display();
                let bytes = std::fs::read(file)
                    .context(Exit::Bundle, format_args!("cannot read `{shown}`"))?;
                let archive = Archive::decode(&bytes)
                    .context(Exit::Bundle, format_args!("`{shown}` is not a bundle"))?;
                (archive, bytes)
            }
            None => {
                let built = bundle::build(project, None, output).await?;
                let bytes = built.archive.encode();
                (built.archive, bytes)
            }
        };
        let name = archive.envelope.manifest().name.clone();
        let progress = Progress::start(format!("pushing `{name}` to {}", self.to));
        let accepted = publisher::push(&self.to, &name, bytes, self.timeout).await?;
        progress.finish();
        let value =
            json!({ "name": accepted.name, "version": accepted.version, "to": self.to.as_str() });
        output.result(&value, |out| {
            let (name, version) = (&accepted.name, accepted.version);
            let _ = writeln!(out, "{GOOD}pushed{GOOD:#} {name} version {version} to {}", self.to);
        });
        Ok(Exit::Ok)
    }
}
