//! `cedarkey keys export`

use super::spec::{COLUMNS, KeyEntry};
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::output::Output;
use crate::project;
use cedarkey_registry::{Filter, Key, Status};
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serde_json::json;
use std::path::Path;

/// Write keys in a form that another registry takes: hashes, never tokens.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cedarkey keys export > keys.json
  cedarkey keys export --to csv --status active > keys.csv
  cedarkey keys export --to keys-yaml > keys.yaml")]
pub struct Export {
    /// The form
    #[arg(long, value_enum, value_name = "FORM", default_value = "json")]
    to: Form,
    /// In this status only; repeat for several
    #[arg(long, value_parser = super::options::status())]
    status: Vec<Status>,
    /// Of this owner only
    #[arg(long)]
    owner: Option<String>,
}

/// What is written.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    /// A row for each key, as `keys import` takes it
    Csv,
    /// A list of keys, as `keys import` takes it
    Json,
    /// What `keys apply` takes: keys that have a name
    KeysYaml,
}

impl Export {
    /// Writes them.
    pub async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let settings = project::settings(given)?;
        let registry = project::registry(&settings.registry).await?;
        let now = Timestamp::now();
        let filter = Filter { owner: self.owner, statuses: self.status, ..Filter::default() };
        let keys = registry.list(&filter, now).await;
        registry.close().await;
        let mut keys = keys.context(Exit::Registry, "the keys cannot be read")?;
        if matches!(self.to, Form::KeysYaml) {
            keys.retain(|key| key.name.is_some());
        }
        let entries: Vec<_> = keys.iter().map(KeyEntry::from).collect();
        let entries = json!({ "keys": entries });
        let text = match self.to {
            Form::Csv => csv(&keys).context(Exit::Failure, "the keys cannot be written")?,
            Form::Json => serde_json::to_string_pretty(&entries)
                .context(Exit::Failure, "the keys cannot be written")?,
            Form::KeysYaml => serde_saphyr::to_string(&entries)
                .context(Exit::Failure, "the keys cannot be written")?,
        };
        output.result(&entries, |out| {
            let _ = writeln!(out, "{}", text.trim_end());
        });
        Ok(Exit::Ok)
    }
}

fn csv(keys: &[Key]) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for key in keys {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let labels = key.labels.iter().map(|(name, value)| format!("{name}={value}"));
        let instant = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
        writer.write_record([
            key.id.clone(),
            text(&key.name),
            key.hash.clone(),
            key.owner.clone(),
            key.purpose.clone(),
            text(&key.team),
            text(&key.workload),
            key.scopes.join(" "),
            key.networks.join(" "),
            key.spiffe_ids.join(" "),
            labels.collect::<Vec<_>>().join(" "),
            instant(Some(key.not_before)),
            instant(key.expires),
            instant(key.review_by),
            key.state.word().into(),
            if key.decoy { "true".into() } else { String::new() },
        ])?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}
