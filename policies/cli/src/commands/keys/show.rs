//! `cedarkey keys show`

use super::diff::fields;
use super::view;
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::output::Output;
use crate::project;
use crate::publisher::{Publisher, TIMEOUT};
use cedarkey_registry::{Key, Selector, State, Waiting, spoken};
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::path::Path;

/// Show one key.
#[derive(Args, Debug)]
pub struct Show {
    /// The key: its name, its id or as much of its beginning as no other has, or the SHA-256 of its
    /// token
    key: String,
    /// Ask this publisher when it was last used
    #[arg(long, value_name = "URL")]
    publisher: Option<reqwest::Url>,
}

impl Show {
    /// Shows it.
    pub async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let settings = project::settings(given)?;
        let registry = project::registry(&settings.registry).await?;
        let key = registry.get(&Selector::from(self.key.as_str())).await;
        registry.close().await;
        let key = key.context(Exit::Registry, "no key to show")?;
        let now = Timestamp::now();
        let usage = match &self.publisher {
            Some(publisher) => {
                Some(Publisher::new(publisher, TIMEOUT)?.usage(&settings.name).await?)
            }
            None => None,
        };
        let mut value = view(&key, now);
        let mut rows = rows(&key, now);
        if let Some(usage) = usage {
            let last = usage.last_used(&key.id);
            rows.push((
                "last used",
                last.map_or_else(|| "never, as far as is known".into(), |at| at.to_string()),
            ));
            if let Some(fields) = value.as_object_mut() {
                fields.insert("usage".into(), json!(usage.of(&key.id)));
            }
        }
        output.result(&value, |out| {
            for (name, value) in rows {
                let _ = writeln!(out, "{name:<12} {value}");
            }
        });
        Ok(Exit::Ok)
    }
}

fn rows(key: &Key, now: Timestamp) -> Vec<(&'static str, String)> {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let labels: Vec<_> = key.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut rows = vec![
        ("id", key.id.clone()),
        ("name", text(&key.name)),
        ("status", key.status(now).to_string()),
        ("owner", key.owner.clone()),
        ("purpose", key.purpose.clone()),
        ("environment", key.environment.clone()),
        ("team", text(&key.team)),
        ("workload", text(&key.workload)),
        ("scopes", key.scopes.join(" ")),
        ("networks", key.networks.join(" ")),
        ("spiffe ids", key.spiffe_ids.join(" ")),
        ("labels", labels.join(" ")),
        ("created", key.created.to_string()),
        ("not before", key.not_before.to_string()),
        ("expires", key.expires.map_or_else(|| "never".into(), |at| at.to_string())),
        ("review by", key.review_by.map(|at| at.to_string()).unwrap_or_default()),
        ("requested by", text(&key.requested_by)),
        ("approved by", text(&key.approver)),
        ("replaces", text(&key.replaces)),
        ("replaced by", text(&key.replaced_by)),
        ("sha256", key.hash.clone()),
    ];
    if key.decoy {
        rows.push(("decoy", "never granted; proxies tell of its use".into()));
    }
    if let (Some(reason), true) = (&key.reason, key.state != State::Active) {
        rows.push((key.state.word(), format!("{}: {reason}", key.since)));
    }
    match key.waiting.as_ref() {
        Some(Waiting::Become { by, action, reason, key: asked }) => {
            let why = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            rows.push(("waits", format!("{action}, asked for by {by}{why}")));
            let asked = Key { state: key.state, ..Key::clone(asked) };
            rows.extend(fields(key, &asked).into_iter().map(|line| ("", line)));
        }
        Some(Waiting::Replace { overlap }) => {
            let overlap = spoken(SignedDuration::from_secs(*overlap));
            rows.push(("waits", format!("the key it replaces stays valid for {overlap}")));
        }
        None => {}
    }
    rows.retain(|(_, value)| !value.is_empty());
    rows
}
