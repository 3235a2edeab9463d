//! `cedarkey build`

use crate::bundle;
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::output::{GOOD, Output, counted};
use cedarkey_bundle::Digest;
use clap::Args;
use jiff::Timestamp;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Compile the project and its keys into a signed bundle.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cedarkey build
  cedarkey build -o release.ckb --bundle-version 42")]
pub struct Build {
    /// The file to write [default: NAME.ckb in the current folder]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The bundle's version, which proxies never let go down [default: the time in milliseconds]
    #[arg(long, value_name = "N")]
    bundle_version: Option<u64>,
}

impl Build {
    /// Builds it.
    pub async fn run(self, project: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let built = bundle::build(project, self.bundle_version, output).await?;
        let bytes = built.archive.encode();
        let manifest = built.archive.envelope.manifest();
        let file = self.output.unwrap_or_else(|| format!("{}.ckb", manifest.name).into());
        let shown = file.display();
        std::fs::write(&file, &bytes)
            .context(Exit::Bundle, format_args!("cannot write `{shown}`"))?;
        let expires = Timestamp::from_second(manifest.expires).ok();
        let value = json!({
            "file": file, "name": manifest.name, "version": manifest.version,
            "expires": expires, "sha256": Digest::of(&bytes).to_string(), "bytes": bytes.len(),
            "policies": built.policies, "routes": built.routes,
            "keys": built.keys, "revoked": built.revoked,
        });
        output.result(&value, |out| {
            let (name, version) = (&manifest.name, manifest.version);
            let _ = writeln!(out, "{GOOD}built{GOOD:#} {name} version {version} in {shown}");
            let _ = writeln!(
                out,
                "      {}, {}, {} ({} revoked), {} bytes",
                counted(built.policies, "policy"),
                counted(built.routes, "route"),
                counted(built.keys, "key"),
                built.revoked,
                bytes.len()
            );
        });
        Ok(Exit::Ok)
    }
}
