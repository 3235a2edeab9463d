//! `cedarkey keys`

mod actor;
mod amend;
mod apply;
pub mod diff;
mod edit;
mod export;
mod import;
mod keys_file;
mod list;
mod new;
mod options;
mod push;
mod rotate;
mod rules;
mod show;
mod spec;
mod verify_token;

pub use push::{Push, Refuse};
pub use rules::Rules;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use cedarkey_registry::{Change, ChangeError, Key};
use clap::Subcommand;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::path::Path;

/// Issue, change, list and revoke API keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    Issue(new::Issue),
    Request(new::Request),
    Approve(edit::Approve),
    Deny(edit::Deny),
    List(list::List),
    Show(show::Show),
    Rotate(rotate::Rotate),
    Suspend(edit::Suspend),
    Resume(edit::Resume),
    Revoke(edit::Revoke),
    Retire(edit::Retire),
    Amend(amend::Amend),
    Extend(edit::Extend),
    Transfer(edit::Transfer),
    Import(import::Import),
    Export(export::Export),
    Apply(apply::Apply),
    VerifyToken(verify_token::VerifyToken),
}

impl KeysCommand {
    /// Does it.
    pub async fn run(self, project: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        match self {
            Self::Issue(command) => command.run(project, output).await,
            Self::Request(command) => command.run(project, output).await,
            Self::Approve(command) => command.run(project, output).await,
            Self::Deny(command) => command.run(project, output).await,
            Self::List(command) => command.run(project, output).await,
            Self::Show(command) => command.run(project, output).await,
            Self::Rotate(command) => command.run(project, output).await,
            Self::Suspend(command) => command.run(project, output).await,
            Self::Resume(command) => command.run(project, output).await,
            Self::Revoke(command) => command.run(project, output).await,
            Self::Retire(command) => command.run(project, output).await,
            Self::Amend(command) => command.run(project, output).await,
            Self::Extend(command) => command.run(project, output).await,
            Self::Transfer(command) => command.run(project, output).await,
            Self::Import(command) => command.run(project, output).await,
            Self::Export(command) => command.run(project, output).await,
            Self::Apply(command) => command.run(project, output).await,
            Self::VerifyToken(command) => command.run(project, output),
        }
    }
}

/// A key for programs: all that the registry has, and its status.
pub fn view(key: &Key, now: Timestamp) -> Value {
    let mut value = json!(key);
    if let Some(value) = value.as_object_mut() {
        value.insert("status".into(), json!(key.status(now)));
    }
    value
}

/// An instant for people, who read days.
pub fn day(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "never".into(), |at| at.strftime("%Y-%m-%d").to_string())
}

/// An instant for people who may have to hurry: within two days of the present the minute too.
fn day_or_minute(at: Option<Timestamp>, now: Timestamp) -> String {
    let is_near = |at: &Timestamp| at.duration_since(now).abs() < SignedDuration::from_hours(48);
    match at.filter(is_near) {
        Some(at) => at.strftime("%Y-%m-%d %H:%MZ").to_string(),
        None => day(at),
    }
}

/// A change by whoever runs this process.
pub fn change(reason: Option<&str>) -> Change {
    Change::new(actor::name(), reason.unwrap_or_default(), Timestamp::now())
}

/// Why a key is not changed, with what would help.
pub fn refused(message: &str) -> impl FnOnce(ChangeError) -> Failure {
    move |error| {
        let help = error.help();
        let failure = Failure::because(Exit::Registry, message, error);
        match help {
            Some(help) => failure.help(help),
            None => failure,
        }
    }
}
