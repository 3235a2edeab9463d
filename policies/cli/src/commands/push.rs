//! `cedarkey push`

use crate::bundle;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{GOOD, Output, counted};
use crate::progress::Progress;
use crate::publisher::{Publisher, Pushed};
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Send a bundle to a publisher, from which the proxies take it.
///
/// Without a file the project is built first. Only the parts that the publisher does not have are
/// uploaded. Proxies deny everything once the newest bundle has ended (`bundle.lifetime`), so push
/// from time to time although nothing has changed.
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
        let publisher = Publisher::new(&self.to, self.timeout)?;
        let progress = Progress::start(format!("pushing to {}", self.to));
        let (Pushed { name, version, uploaded, bytes }, manifest) = match &self.file {
            Some(file) => {
                let archive = bundle::read(file)?;
                (publisher.push(&archive).await?, archive.envelope.manifest().clone())
            }
            None => bundle::push(project, &publisher, output).await?,
        };
        progress.finish();
        let (segments, expires) = (manifest.segments.len(), manifest.expires);
        let expires = Timestamp::from_second(expires).ok();
        let value = json!({
            "name": name, "version": version, "to": self.to.as_str(),
            "expires": expires, "segments": segments, "uploadedSegments": uploaded, "uploadedBytes": bytes,
        });
        output.result(&value, |out| {
            let _ = writeln!(out, "{GOOD}pushed{GOOD:#} {name} version {version} to {}", self.to);
            let of = counted(segments, "segment");
            let _ = writeln!(out, "       {uploaded} of {of} were new there, {bytes} bytes");
            if let Some(expires) = expires {
                let _ = writeln!(out, "       it holds until {expires}: push again before");
            }
        });
        Ok(Exit::Ok)
    }
}
