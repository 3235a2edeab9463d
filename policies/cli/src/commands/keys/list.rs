//! `cedarkey keys list`

use super::options::{label_filter, status};
use super::{day, view};
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::output::{Output, table};
use crate::project;
use crate::time::{Instant, instant};
use cedarkey_registry::{Filter, Key, Status, Waiting};
use clap::Args;
use jiff::Timestamp;
use serde_json::json;
use std::path::Path;

/// List keys.
///
/// Every option narrows the list.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cedarkey keys list --status active --status rotating
  cedarkey keys list --owner team:payments --expiring-within 14d --format json
  cedarkey keys list --review-within 7d")]
pub struct List {
    /// Of this owner
    #[arg(long)]
    owner: Option<String>,
    /// Of this team
    #[arg(long, value_name = "ID")]
    team: Option<String>,
    /// Of this workload
    #[arg(long, value_name = "ID")]
    workload: Option<String>,
    /// In this status; repeat for several
    #[arg(long, value_parser = status())]
    status: Vec<Status>,
    /// That wait for a second person: requested keys, and changes of keys
    #[arg(long)]
    waiting: bool,
    /// With this scope
    #[arg(long)]
    scope: Option<String>,
    /// With this label; repeat for several
    #[arg(long, value_name = "NAME[=VALUE]", value_parser = label_filter)]
    label: Vec<(String, Option<String>)>,
    /// That expire within this time
    #[arg(long, value_name = "TIME", value_parser = Instant::parse_some)]
    expiring_within: Option<Instant>,
    /// Whose review is due within this time
    #[arg(long, value_name = "TIME", value_parser = Instant::parse_some)]
    review_within: Option<Instant>,
}

impl List {
    /// Lists them.
    pub async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let settings = project::settings(given)?;
        let registry = project::registry(&settings.registry).await?;
        let now = Timestamp::now();
        let filter = Filter {
            owner: self.owner,
            team: self.team,
            workload: self.workload,
            statuses: self.status,
            waiting: self.waiting,
            scope: self.scope,
            labels: self.label,
            expires_before: instant(self.expiring_within, now)?,
            review_before: instant(self.review_within, now)?,
        };
        let keys = registry.list(&filter, now).await;
        registry.close().await;
        let keys = keys.context(Exit::Registry, "the keys cannot be listed")?;
        let values: Vec<_> = keys.iter().map(|key| view(key, now)).collect();
        output.result(&json!({ "keys": values }), |out| {
            let mut rows = table(&["id", "status", "owner", "purpose", "scopes", "expires"]);
            for key in &keys {
                rows.add_row([
                    key.id.clone(),
                    status_of(key, now),
                    key.owner.clone(),
                    key.purpose.clone(),
                    key.scopes.join(" "),
                    day(key.expires),
                ]);
            }
            let _ = writeln!(out, "{rows}");
        });
        Ok(Exit::Ok)
    }
}

fn status_of(key: &Key, now: Timestamp) -> String {
    let asked = matches!(key.waiting.as_ref(), Some(Waiting::Become { .. }));
    let decoy = if key.decoy { ", decoy" } else { "" };
    format!("{}{decoy}{}", key.status(now), if asked { ", change waits" } else { "" })
}
