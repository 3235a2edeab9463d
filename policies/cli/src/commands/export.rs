//! `cedarkey export`

use crate::bundle;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{GOOD, Output, counted};
use crate::progress::Progress;
use cedarkey_bundle::Digest;
use cedarkey_publisher::{Mirror, MirrorError, Mirrored};
use clap::Args;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Write a bundle to a folder or bucket, from which any static server gives it to proxies.
///
/// Without a file the project is built first. Segments are written before the manifest, which never
/// goes down to a lower version; nothing is removed. The credentials of a bucket are taken from the
/// environment (`AWS_ACCESS_KEY_ID` and so on).
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cedarkey export --to /srv/www/bundles
  cedarkey export quickstart.ckb --to s3://bundles/production")]
pub struct Export {
    /// The bundle to write [default: the project, built anew]
    file: Option<PathBuf>,
    /// The folder, which is made if it is not there, or the bucket
    #[arg(long, value_name = "DIR|URL")]
    to: String,
}

impl Export {
    /// Writes it.
    pub async fn run(self, project: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let archive = match &self.file {
            Some(file) => bundle::read(file)?,
            None => bundle::build(project, None, output).await?.archive,
        };
        let mirror: Mirror = self.to.parse().map_err(|error| self.failed(error))?;
        let manifest = archive.envelope.manifest();
        let (name, version) = (&manifest.name, manifest.version);
        let digests = manifest.segments.iter().map(|segment| segment.digest);
        let segments: BTreeMap<Digest, &Vec<u8>> = digests.zip(&archive.segments).collect();
        let progress = Progress::start(format!("writing `{name}` to {}", self.to));
        let segment = async |digest: Digest| {
            let found = segments.get(&digest).map(|content| content.to_vec().into());
            Ok::<_, MirrorError>(found)
        };
        let written = mirror.publish(&archive.envelope, segment).await;
        let Mirrored { segments: new, bytes } = written.map_err(|error| self.failed(error))?;
        progress.finish();
        let value = json!({
            "name": name, "version": version, "to": self.to,
            "segments": archive.segments.len(), "writtenSegments": new, "writtenBytes": bytes,
        });
        output.result(&value, |out| {
            let _ = writeln!(out, "{GOOD}exported{GOOD:#} {name} version {version} to {}", self.to);
            let of = counted(archive.segments.len(), "segment");
            let _ = writeln!(out, "         {new} of {of} were new there, {bytes} bytes");
        });
        Ok(Exit::Ok)
    }

    fn failed(&self, error: MirrorError) -> Failure {
        let message = format!("the bundle cannot be written to `{}`", self.to);
        let exit = match &error {
            MirrorError::OldVersion { .. } | MirrorError::Overtaken => Exit::Conflict,
            MirrorError::Url { .. } => Exit::Usage,
            _ => Exit::Publisher,
        };
        Failure::because(exit, message, error)
    }
}
