//! `cedarkey keys list`

use super::options::{label_filter, status};
use super::{day, day_or_minute, view};
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::output::{Output, table};
use crate::project;
use crate::time::{Instant, instant};
use crate::usage::{Source, Usage};
use cedarkey_registry::{Filter, Key, Status, Waiting};
use clap::Args;
use comfy_table::ColumnConstraint;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::path::Path;

/// List keys.
///
/// Every option narrows the list.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cedarkey keys list --status active --status rotating
  cedarkey keys list --owner team:payments --expiring-within 14d --format json
  cedarkey keys list --review-within 7d
  cedarkey keys list --unused 30d --status active --publisher http://127.0.0.1:9180")]
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
    /// That no proxy has allowed a request with for this time, and that are at least as old; needs
    /// `--publisher` or `--usage`
    #[arg(long, value_name = "TIME", value_parser = crate::time::length)]
    unused: Option<SignedDuration>,
    #[command(flatten)]
    source: Source,
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
        let mut keys = keys.context(Exit::Registry, "the keys cannot be listed")?;
        let unused = match self.unused {
            Some(length) => {
                Some(Unused::new(length, now, self.source.require(&settings.name).await?)?)
            }
            None => None,
        };
        if let Some(unused) = &unused {
            keys.retain(|key| unused.holds(key));
            unused.warn(output);
        }
        let values: Vec<_> = keys.iter().map(|key| seen(key, now, unused.as_ref())).collect();
        output.result(&json!({ "keys": values }), |out| {
            let named = keys.iter().any(|key| key.name.is_some());
            let mut headings = vec!["id"];
            headings.extend(named.then_some("name"));
            headings.extend(["status", "owner", "purpose", "scopes", "expires"]);
            headings.extend(unused.as_ref().map(|_| "last used"));
            let mut rows = table(&headings);
            // What is to be copied stays whole on a narrow terminal.
            for column in rows.column_iter_mut().take(if named { 2 } else { 1 }) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
            for key in &keys {
                let mut row = vec![key.id.clone()];
                row.extend(named.then(|| key.name.clone().unwrap_or_default()));
                row.extend([
                    status_of(key, now),
                    key.owner.clone(),
                    key.purpose.clone(),
                    key.scopes.join(" "),
                    day_or_minute(key.expires, now),
                ]);
                row.extend(unused.as_ref().map(|unused| day_or_minute(unused.last(key), now)));
                rows.add_row(row);
            }
            let _ = writeln!(out, "{rows}");
        });
        Ok(Exit::Ok)
    }
}

/// What was not used for a time.
struct Unused {
    before: Timestamp,
    usage: Usage,
}

// === impl Unused ===

impl Unused {
    fn new(length: SignedDuration, now: Timestamp, usage: Usage) -> Result<Self, Failure> {
        let before = usage.seen(now).checked_sub(length);
        let before = before.context(Exit::Usage, "that is before the begin of the calendar")?;
        Ok(Self { before, usage })
    }

    /// When a key was last used, as far as is known.
    fn last(&self, key: &Key) -> Option<Timestamp> {
        self.usage.last_used(&key.id)
    }

    /// Whether a key was not used in that time, though it was there.
    fn holds(&self, key: &Key) -> bool {
        // A decoy is there not to be used.
        if key.decoy {
            return false;
        }
        let since = self.last(key).unwrap_or(key.created.max(key.not_before));
        since <= self.before
    }

    /// Says where less is known than was asked for.
    fn warn(&self, output: &Output) {
        let known = self.usage.since;
        if known.is_none_or(|known| known > self.before) {
            let since = known.map_or_else(
                || "no proxy has reported yet".into(),
                |known| format!("usage is known since {} only", day(Some(known))),
            );
            output.warning(&since, Some("keys may have been used before that".into()));
        }
    }
}

/// A key for programs, with its last use where that was asked for.
fn seen(key: &Key, now: Timestamp, unused: Option<&Unused>) -> Value {
    let mut value = view(key, now);
    if let (Some(unused), Some(fields)) = (unused, value.as_object_mut()) {
        fields.insert("lastUsed".into(), json!(unused.last(key)));
    }
    value
}

fn status_of(key: &Key, now: Timestamp) -> String {
    let asked = matches!(key.waiting.as_ref(), Some(Waiting::Become { .. }));
    let decoy = if key.decoy { ", decoy" } else { "" };
    format!("{}{decoy}{}", key.status(now), if asked { ", change waits" } else { "" })
}
