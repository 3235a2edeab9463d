//! `cedarkey versions`

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{GOOD, Output, table};
use crate::project;
use crate::publisher::Publisher;
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::path::Path;

/// List the versions of the project's bundle that a publisher keeps.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cedarkey versions --publisher http://127.0.0.1:9180
  cedarkey versions --format json | jq '.versions[1].version'")]
pub struct Versions {
    /// The publisher's address
    #[arg(long, value_name = "URL", env = "CEDARKEY_PUBLISHER")]
    publisher: reqwest::Url,
    /// How long it may take
    #[arg(long, value_name = "TIME", default_value = "60s")]
    timeout: SignedDuration,
}

impl Versions {
    /// Lists them.
    pub async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let publisher = Publisher::new(&self.publisher, self.timeout)?;
        let name = project::settings(given)?.name;
        let versions = publisher.versions(&name).await?;
        let pushed = |seconds| Timestamp::from_second(seconds).ok();
        let listed: Vec<_> = versions
            .iter()
            .map(|version| json!({ "version": version.version, "pushed": pushed(version.pushed) }))
            .collect();
        output.result(&json!({ "name": name, "versions": listed }), |out| {
            let mut rows = table(&["version", "pushed", ""]);
            for (at, version) in versions.iter().enumerate() {
                let pushed = pushed(version.pushed).map(|at| at.to_string()).unwrap_or_default();
                let state = if at == 0 { "in force" } else { "" };
                rows.add_row([version.version.to_string(), pushed, state.into()]);
            }
            let _ = writeln!(out, "{GOOD}{name}{GOOD:#}\n{rows}");
        });
        Ok(Exit::Ok)
    }
}
