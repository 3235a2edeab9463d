//! `cedarkey keys`

mod issue;
mod list;
mod revoke;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use cedarkey_registry::{Key, Status};
use clap::Subcommand;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::path::Path;

/// Issue, list and revoke API keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    Issue(issue::Issue),
    List(list::List),
    Show(list::Show),
    Revoke(revoke::Revoke),
}

impl KeysCommand {
    /// Does it.
    pub async fn run(self, project: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        match self {
            Self::Issue(command) => command.run(project, output).await,
            Self::List(command) => command.run(project, output).await,
            Self::Show(command) => command.run(project, output).await,
            Self::Revoke(command) => command.run(project, output).await,
        }
    }
}

/// A key for programs: all that the registry has, and its status.
fn view(key: &Key, now: Timestamp) -> Value {
    let mut value = json!(key);
    if let Some(value) = value.as_object_mut() {
        value.insert("status".into(), json!(key.status(now)));
    }
    value
}

/// A status for people.
fn word(status: Status) -> &'static str {
    match status {
        Status::Active => "active",
        Status::Expired => "expired",
        Status::Pending => "pending",
        Status::Revoked => "revoked",
    }
}

/// An instant for people, who read days.
fn day(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "never".into(), |at| at.strftime("%Y-%m-%d").to_string())
}

/// Who does it, for the audit: the user of this process.
fn actor() -> String {
    ["CEDARKEY_ACTOR", "USER", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.trim().is_empty()))
        .unwrap_or_else(|| "unknown".into())
}
