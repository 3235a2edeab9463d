//! `cedarkey audit`

use crate::commands::keys::{change, diff::changed};
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::output::{BAD, DIM, GOOD, Output, counted, table};
use crate::progress::Progress;
use crate::project;
use cedarkey_registry::{Entry, Selector, Verified};
use clap::{Args, Subcommand};
use serde_json::json;
use std::path::Path;

/// Read and verify what was done to keys.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    List(List),
    Verify(Verify),
    AcceptClock(AcceptClock),
}

/// Show what was done: who did what to which key, when and why.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cedarkey audit list --key nightly-export --changes
  cedarkey audit list --last 1000 --format json")]
pub struct List {
    /// To this key only: its name, its id or as much of its beginning as no other has, or the
    /// SHA-256 of its token
    #[arg(long)]
    key: Option<String>,
    /// How many entries, of the newest
    #[arg(long, value_name = "N", default_value = "50")]
    last: u32,
    /// Show what it changed of keys, field by field
    #[arg(long)]
    changes: bool,
}

/// Find what was changed past cedarkey.
///
/// Each entry of the audit holds the hash of the one before, and each key must be what the last
/// entry about it says. So edited, removed, added and reordered entries are found, and keys that
/// were changed in the database. Who can write the database can write all of it anew, too: note the
/// last entry that this command shows somewhere else, and give it back with `--known`.
///
/// The exit status is 11 where something was changed.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cedarkey audit verify
  cedarkey audit verify --known 41:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
pub struct Verify {
    /// An entry that is known from before: its number and hash
    #[arg(long, value_name = "NUMBER:HASH", value_parser = known)]
    known: Option<(i64, String)>,
}

/// Let time go on from now, although the last change was made later.
///
/// A clock that has gone back makes every change that gives somebody something be refused. If it is
/// the last change's clock that was wrong, this puts it right; the audit keeps that it was done.
#[derive(Args, Debug)]
pub struct AcceptClock {
    /// Why, for the audit
    #[arg(long)]
    reason: String,
}

// === impl AuditCommand ===

impl AuditCommand {
    /// Does it.
    pub async fn run(self, project: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        match self {
            Self::List(command) => command.run(project, output).await,
            Self::Verify(command) => command.run(project, output).await,
            Self::AcceptClock(command) => command.run(project, output).await,
        }
    }
}

// === impl List ===

impl List {
    async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let settings = project::settings(given)?;
        let registry = project::registry(&settings.registry).await?;
        let message = "the audit cannot be read";
        let key = match &self.key {
            Some(key) => {
                let key = registry.get(&Selector::from(key.as_str())).await;
                Some(key.context(Exit::Registry, message)?.id)
            }
            None => None,
        };
        let entries = registry.audit(key.as_deref(), self.last).await;
        registry.close().await;
        let entries = entries.context(Exit::Registry, message)?;
        output.result(&json!({ "entries": entries }), |out| {
            let mut rows = table(&["number", "at", "who", "what", "key", "why"]);
            for entry in &entries {
                let Entry { number, at, actor, action, key, reason, .. } = entry;
                let mut what = vec![action.clone()];
                what.extend(self.changes.then(|| changes(entry)).into_iter().flatten());
                rows.add_row([
                    number.to_string(),
                    at.to_string(),
                    actor.clone(),
                    what.join("\n"),
                    key.clone().unwrap_or_default(),
                    reason.clone(),
                ]);
            }
            let _ = writeln!(out, "{rows}");
        });
        Ok(Exit::Ok)
    }
}

/// What an entry changed of a key that was there before.
fn changes(entry: &Entry) -> Vec<String> {
    let read = |key: &Option<String>| serde_json::from_str(key.as_deref()?).ok();
    let keys = read(&entry.was).zip(read(&entry.became));
    keys.map(|(before, after)| changed(&before, &after)).unwrap_or_default()
}

// === impl Verify ===

impl Verify {
    async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let settings = project::settings(given)?;
        let registry = project::registry(&settings.registry).await?;
        let progress = Progress::start("verifying the audit".into());
        let mut reached = |done| progress.reached("verifying the audit", done);
        let known = self.known.as_ref().map(|(number, hash)| (*number, hash.as_str()));
        let verified = registry.verify(known, &mut reached).await;
        registry.close().await;
        progress.finish();
        let verified = verified.context(Exit::Registry, "the audit cannot be verified")?;
        output.result(&verified, |out| {
            let Verified { entries, keys, head, findings, more } = &verified;
            for finding in findings {
                let _ = writeln!(out, "{BAD}found{BAD:#}: {finding}");
            }
            if *more > 0 {
                let _ = writeln!(out, "{BAD}found{BAD:#}: {more} more things");
            }
            let (entries, keys) = (counted(*entries, "entry"), counted(*keys, "key"));
            if findings.is_empty() {
                let _ = writeln!(out, "{GOOD}sound{GOOD:#}: {entries}, {keys}");
            }
            let (number, hash) = (head.number, &head.hash);
            let _ = writeln!(out, "{DIM}the last entry is {number}:{hash}{DIM:#}");
        });
        Ok(if verified.findings.is_empty() { Exit::Ok } else { Exit::Tampered })
    }
}

// === impl AcceptClock ===

impl AcceptClock {
    async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let settings = project::settings(given)?;
        let registry = project::registry(&settings.registry).await?;
        let change = change(Some(&self.reason));
        let accepted = registry.accept_clock(&change).await;
        registry.close().await;
        accepted.context(Exit::Registry, "the clock is not accepted")?;
        output.result(&json!({ "at": change.now }), |out| {
            let _ = writeln!(out, "{GOOD}accepted{GOOD:#}: time goes on from {}", change.now);
        });
        Ok(Exit::Ok)
    }
}

fn known(text: &str) -> Result<(i64, String), String> {
    let parts = text.split_once(':');
    let entry = parts.and_then(|(number, hash)| Some((number.parse().ok()?, hash)));
    match entry {
        Some((number, hash)) if number >= 1 && hash.len() == 64 => {
            Ok((number, hash.to_ascii_lowercase()))
        }
        _ => Err("write `NUMBER:HASH`, as `cedarkey audit verify` shows the last entry".into()),
    }
}
