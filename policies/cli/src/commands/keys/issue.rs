//! `cedarkey keys issue`

use super::{actor, view};
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::output::{DIM, NOTICE, Output};
use crate::project;
use crate::time::{Instant, instant};
use cedarkey_compiler::KeySpec;
use cedarkey_compiler::keys::Inventory;
use cedarkey_registry::NewKey;
use clap::Args;
use jiff::Timestamp;
use serde_json::json;
use std::path::Path;

/// Issue a key and show its token, which nobody can show again.
///
/// The token alone goes to standard output. It works once a bundle with the key is in force: run
/// `cedarkey push` next.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cedarkey keys issue --owner team:payments --team payments --purpose 'nightly export' \\
      --scope orders:read --expires 90d
  cedarkey keys issue --owner alice@example.com --purpose debugging --expires 1h \\
      --network 10.0.0.0/8 --format json")]
pub struct Issue {
    /// Who answers for it: a person or a team
    #[arg(long)]
    owner: String,
    /// What it is for
    #[arg(long)]
    purpose: String,
    /// The id of the `Team` in entities.json that it belongs to
    #[arg(long, value_name = "ID")]
    team: Option<String>,
    /// The id of the `Workload` in entities.json that uses it
    #[arg(long, value_name = "ID")]
    workload: Option<String>,
    /// What it may be used for; repeat for several
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Where it may be used from; repeat for several [default: anywhere]
    #[arg(long = "network", value_name = "CIDR")]
    networks: Vec<String>,
    /// When it ends: a length of time, an instant, or `never`
    #[arg(long, value_name = "WHEN", default_value = "90d")]
    expires: Instant,
    /// When it begins: a length of time from now, or an instant [default: now]
    #[arg(long, value_name = "WHEN", value_parser = Instant::parse_some)]
    not_before: Option<Instant>,
}

impl Issue {
    /// Issues it.
    pub async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let settings = project::settings(given)?;
        let now = Timestamp::now();
        let new = NewKey {
            prefix: settings.prefix,
            environment: settings.environment,
            owner: self.owner,
            purpose: self.purpose,
            team: self.team,
            workload: self.workload,
            scopes: self.scopes,
            networks: self.networks,
            not_before: instant(self.not_before, now)?.unwrap_or(now),
            expires: self.expires.from(now)?,
        };
        keeps_the_rules(&new, given, now)?;
        let registry = project::registry(&settings.database).await?;
        let issued = registry.issue(new, &actor(), now).await;
        registry.close().await;
        let issued = issued.context(Exit::Registry, "the key is not issued")?;
        let key = &issued.key;
        let value = json!({ "token": issued.token.as_str(), "key": view(key, now) });
        output.result(&value, |out| {
            let _ = writeln!(out, "{}", issued.token.as_str());
        });
        let expires =
            key.expires.map_or_else(|| "never expires".into(), |at| format!("expires {at}"));
        output.note(format_args!("{NOTICE}this token is not shown again{NOTICE:#}"));
        output.note(format_args!(
            "{DIM}key {} of {}, {expires}; `cedarkey push` makes it work{DIM:#}",
            key.id, key.owner
        ));
        Ok(Exit::Ok)
    }
}

/// Whether the project can be built with such a key: keys are never deleted, so one that breaks
/// its rules would be in the way for ever.
fn keeps_the_rules(new: &NewKey, given: Option<&Path>, now: Timestamp) -> Result<(), Failure> {
    let project = project::load(given)?;
    let spec = KeySpec {
        id: NO_ID.into(),
        hash: "0".repeat(64),
        environment: new.environment.clone(),
        owner: new.owner.clone(),
        purpose: new.purpose.clone(),
        team: new.team.clone(),
        workload: new.workload.clone(),
        scopes: new.scopes.clone(),
        networks: new.networks.clone(),
        created: now,
        not_before: new.not_before,
        expires: new.expires,
        revoked: false,
    };
    let checked = Inventory::new(&[spec], &project.settings, &project.entities);
    let Err(problems) = checked else { return Ok(()) };
    let Some(problem) = problems.iter().next() else { return Ok(()) };
    let said = problem.to_string();
    let said = said.strip_prefix(&format!("key `{NO_ID}`: ")).unwrap_or(&said);
    let failure = Failure::new(Exit::Invalid, format_args!("the key is not issued: {said}"));
    Err(match miette::Diagnostic::help(problem) {
        Some(help) => failure.help(help),
        None => failure,
    })
}

/// The id of a key that has none yet.
const NO_ID: &str = "00000000000000000000000000";
