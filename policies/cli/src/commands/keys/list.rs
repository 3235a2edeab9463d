//! `cedarkey keys list` and `cedarkey keys show`

use super::{day, view, word};
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::output::{Output, table};
use crate::project;
use crate::time::{Instant, instant};
use cedarkey_registry::{Filter, Key, Status};
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serde_json::json;
use std::path::Path;

/// List keys.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cedarkey keys list --status active
  cedarkey keys list --expiring-within 14d --format json")]
pub struct List {
    /// Of this owner only
    #[arg(long)]
    owner: Option<String>,
    /// In this status only
    #[arg(long, value_enum)]
    status: Option<StatusName>,
    /// Only those that expire within this time
    #[arg(long, value_name = "TIME", value_parser = Instant::parse_some)]
    expiring_within: Option<Instant>,
}

/// Show one key.
#[derive(Args, Debug)]
pub struct Show {
    /// The key's id, or as much of its beginning as no other has
    id: String,
}

/// A status as it is typed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum StatusName {
    Active,
    Expired,
    Pending,
    Revoked,
}

impl List {
    /// Lists them.
    pub async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let settings = project::settings(given)?;
        let registry = project::registry(&settings.database).await?;
        let now = Timestamp::now();
        let filter = Filter {
            owner: self.owner,
            status: self.status.map(Status::from),
            expires_before: instant(self.expiring_within, now)?,
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
                    word(key.status(now)).into(),
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

impl Show {
    /// Shows it.
    pub async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let settings = project::settings(given)?;
        let registry = project::registry(&settings.database).await?;
        let key = registry.get(&self.id).await;
        registry.close().await;
        let key = key.context(Exit::Registry, "no key to show")?;
        let now = Timestamp::now();
        output.result(&view(&key, now), |out| {
            for (name, value) in rows(&key, now) {
                let _ = writeln!(out, "{name:<12} {value}");
            }
        });
        Ok(Exit::Ok)
    }
}

fn rows(key: &Key, now: Timestamp) -> Vec<(&'static str, String)> {
    let mut rows = vec![
        ("id", key.id.clone()),
        ("status", word(key.status(now)).into()),
        ("owner", key.owner.clone()),
        ("purpose", key.purpose.clone()),
        ("environment", key.environment.clone()),
        ("team", key.team.clone().unwrap_or_default()),
        ("workload", key.workload.clone().unwrap_or_default()),
        ("scopes", key.scopes.join(" ")),
        ("networks", key.networks.join(" ")),
        ("created", key.created.to_string()),
        ("not before", key.not_before.to_string()),
        ("expires", key.expires.map_or_else(|| "never".into(), |at| at.to_string())),
        ("sha256", key.hash.clone()),
    ];
    if let (Some(at), Some(reason)) = (key.revoked_at, &key.revoke_reason) {
        rows.push(("revoked", format!("{at}: {reason}")));
    }
    rows.retain(|(_, value)| !value.is_empty());
    rows
}

impl From<StatusName> for Status {
    fn from(name: StatusName) -> Self {
        match name {
            StatusName::Active => Self::Active,
            StatusName::Expired => Self::Expired,
            StatusName::Pending => Self::Pending,
            StatusName::Revoked => Self::Revoked,
        }
    }
}
