//! `cedarkey usage`

use super::keys::day;
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::output::{NOTICE, Output, counted, table};
use crate::project;
use crate::usage::{Count, KeyUsage, Source, Usage as Known, named};
use cedarkey_registry::{Key, Selector};
use clap::Args;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

/// Show which keys are used, for what, and from where.
///
/// Proxies count it and report it to the publisher, once a minute if nothing else is configured. The
/// networks are those of requests whose policies read where they come from.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cedarkey usage --publisher http://127.0.0.1:9180
  cedarkey usage nightly-export --publisher http://127.0.0.1:9180
  cedarkey usage --publisher http://127.0.0.1:9180 --format json > usage.json")]
pub struct Usage {
    /// One key: its name, its id or as much of its beginning as no other has, or the SHA-256 of its
    /// token
    key: Option<String>,
    #[command(flatten)]
    source: Source,
}

/// How many days of a key are shown to people.
const DAYS: usize = 14;

// === impl Usage ===

impl Usage {
    /// Shows it.
    pub async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let settings = project::settings(given)?;
        let registry = project::registry(&settings.registry).await?;
        let one = match &self.key {
            Some(key) => Some(registry.get(&Selector::from(key.as_str())).await),
            None => None,
        };
        let all = registry.all().await;
        registry.close().await;
        let one = one.transpose().context(Exit::Registry, "no key to show")?;
        let keys = all.context(Exit::Registry, "the keys cannot be read")?;
        let mut usage = self.source.require(&settings.name).await?;
        if let Some(key) = one {
            usage.keys.retain(|known| known.key == key.id);
            output.result(&usage, |out| details(&key, usage.of(&key.id), out));
        } else {
            usage.keys.sort_by_key(|known| std::cmp::Reverse(known.last_used()));
            output.result(&usage, |out| overview(&usage, &keys, out));
        }
        match usage.since {
            None => output.note(format_args!("{NOTICE}no proxy has reported yet{NOTICE:#}")),
            Some(since) => output.note(format_args!("usage is known since {}", day(Some(since)))),
        }
        Ok(Exit::Ok)
    }
}

fn overview(usage: &Known, keys: &[Key], out: &mut dyn Write) {
    let keys: BTreeMap<&str, &Key> = keys.iter().map(|key| (key.id.as_str(), key)).collect();
    let mut rows =
        table(&["id", "name", "owner", "last used", "allowed", "denied", "actions", "networks"]);
    for known in &usage.keys {
        let key = keys.get(known.key.as_str());
        // Anybody who can reach the publisher can name a key.
        let owner = key.map_or("(not a key of this registry)", |key| &key.owner);
        rows.add_row([
            known.key.clone(),
            key.and_then(|key| key.name.clone()).unwrap_or_default(),
            owner.to_owned(),
            known.last_used().map_or_else(|| "-".into(), minute),
            known.allowed.count.to_string(),
            known.denied.count.to_string(),
            names(&known.actions),
            names(&known.networks),
        ]);
    }
    let _ = writeln!(out, "{rows}");
    let _ = writeln!(out, "{}", counted(usage.keys.len(), "key"));
}

fn details(key: &Key, known: Option<&KeyUsage>, out: &mut dyn Write) {
    let Some(known) = known else {
        let _ = writeln!(out, "{} was not used, as far as is known", key.id);
        return;
    };
    let _ =
        writeln!(out, "{}, last used {}", key.id, known.last_used().map_or("never".into(), minute));
    for (heading, counts) in
        [("action", &known.actions), ("denied for", &known.causes), ("network", &known.networks)]
    {
        if counts.is_empty() {
            continue;
        }
        let mut rows = table(&[heading, "requests", "last"]);
        for (name, Count { count, last }) in counts {
            rows.add_row([named(name).to_owned(), count.to_string(), minute(*last)]);
        }
        let _ = writeln!(out, "\n{rows}");
    }
    let mut rows = table(&["day", "allowed", "denied"]);
    for (day, (allowed, denied)) in known.days.iter().rev().take(DAYS) {
        rows.add_row([day.to_string(), allowed.to_string(), denied.to_string()]);
    }
    let _ = writeln!(out, "\n{rows}");
}

/// The names of what was counted, the most frequent first.
fn names(counts: &BTreeMap<String, Count>) -> String {
    let mut counts: Vec<_> = counts.iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(count.count));
    let names: Vec<&str> = counts.iter().map(|(name, _)| named(name)).collect();
    names.join(" ")
}

/// An instant for people.
pub fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%MZ").to_string()
}
