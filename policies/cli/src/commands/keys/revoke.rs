//! `cedarkey keys revoke`

use super::{actor, view};
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::output::{BAD, GOOD, NOTICE, Output};
use crate::publisher::{self, Publisher};
use crate::{bundle, project};
use clap::Args;
use jiff::Timestamp;
use serde_json::json;
use std::path::Path;

/// Revoke a key for good.
///
/// Proxies refuse it as soon as a bundle that says so reaches them; `--push` sends one at once.
#[derive(Args, Debug)]
#[command(after_help = "Example:
  cedarkey keys revoke 01KA --reason 'found in a public repository' --push http://127.0.0.1:9180")]
pub struct Revoke {
    /// The key's id, or as much of its beginning as no other has
    id: String,
    /// Why, for the audit
    #[arg(long)]
    reason: String,
    /// Build a bundle and send it to this publisher at once
    #[arg(long, value_name = "URL")]
    push: Option<reqwest::Url>,
}

impl Revoke {
    /// Revokes it.
    pub async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let settings = project::settings(given)?;
        let registry = project::registry(&settings.database).await?;
        let now = Timestamp::now();
        let before = registry.get(&self.id).await.is_ok_and(|key| key.revoked_at.is_some());
        let key = registry.revoke(&self.id, &self.reason, &actor(), now).await;
        registry.close().await;
        let key = key.context(Exit::Registry, "no key is revoked")?;
        let pushed = match &self.push {
            Some(url) => {
                let pushed = push(given, url, output).await;
                if pushed.is_err() {
                    output.note(format_args!(
                        "{BAD}key {} is revoked, but proxies still accept it{BAD:#}",
                        key.id
                    ));
                }
                Some(pushed?)
            }
            None => None,
        };
        output.result(&json!({ "key": view(&key, now), "version": pushed }), |out| {
            let said = if before { "was revoked before" } else { "revoked" };
            let _ = writeln!(out, "{GOOD}{said}{GOOD:#} {} of {}", key.id, key.owner);
            if let Some(version) = pushed {
                let _ = writeln!(out, "{GOOD}pushed{GOOD:#} {} version {version}", settings.name);
            }
        });
        if pushed.is_none() {
            output.note(format_args!(
                "{NOTICE}proxies still accept it: `cedarkey push` tells them{NOTICE:#}"
            ));
        }
        Ok(Exit::Ok)
    }
}

/// Builds a bundle and sends it; gives its version.
async fn push(given: Option<&Path>, url: &reqwest::Url, output: &Output) -> Result<u64, Failure> {
    let built = bundle::build(given, None, output).await?;
    let publisher = Publisher::new(url, publisher::TIMEOUT)?;
    Ok(publisher.push(&built.archive).await?.version)
}
