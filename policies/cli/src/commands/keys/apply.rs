//! `cedarkey keys apply`

use super::options::WAITING;
use super::rules::{Rules, placed};
use super::view;
use super::{change, diff, keys_file};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{BAD, DIM, GOOD, NOTICE, Output, counted};
use crate::project;
use cedarkey_registry::{Applied, Apply as How, ClockError, ImportError, Key, State, Wanted};
use clap::Args;
use serde_json::{Value, json};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

/// Make keys what a file in git says that they are.
///
/// What would change is shown first. Keys are known by their names; new ones get tokens, which are
/// written once. Keys that the file does not have are left alone, unless `--prune` retires them.
/// Everything is done or, where a single entry is wrong, nothing.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cedarkey keys apply --dry-run
  cedarkey keys apply keys.yaml --yes --reason 'change 1234'

The file:
  keys:
    - name: nightly-export
      owner: team:payments
      purpose: nightly export of orders
      team: payments
      scopes: [orders:read]
      expires: 2027-01-31T00:00:00Z
Also: sha256 (of a token that another system made), workload, networks, spiffeIds, labels,
notBefore, reviewBy, decoy: true, and state: active, suspended, retired or revoked.")]
pub struct Apply {
    /// The file [default: keys.yaml of the project]
    file: Option<PathBuf>,
    /// Show what would change, and change nothing
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Retire keys with a name that the file does not have
    #[arg(long)]
    prune: bool,
    /// Why, for the audit
    #[arg(long)]
    reason: Option<String>,
}

impl Apply {
    /// Applies it.
    pub async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let settings = project::settings(given)?;
        let file = self.file.clone().unwrap_or_else(|| settings.root.join("keys.yaml"));
        let shown = file.display().to_string();
        let project = project::load(given)?;
        let rules = Rules::of(&project);
        let change = change(Some(self.reason.as_deref().unwrap_or("keys.yaml")))
            .with_approval(settings.approval);
        let entries = keys_file::read(&file)?;
        let wanted: Vec<_> = entries
            .into_iter()
            .map(|(place, entry)| {
                let state = entry.state.unwrap_or(State::Active);
                let new = placed(entry.new_key(), &settings);
                let is_live = matches!(state, State::Active | State::Suspended);
                let objection = if is_live { rules.objection(&new, change.now) } else { None };
                let (hash, spec) = match (entry.hash(), objection) {
                    (Err(error), _) | (Ok(_), Some(error)) => (None, Err(error)),
                    (Ok(hash), None) => (hash, Ok(new)),
                };
                Wanted { place, spec, hash, state }
            })
            .collect();
        let registry = project::registry(&settings.registry).await?;
        let how = How { prune: self.prune, dry_run: true, head: None };
        let refused = |error| refuse(error, &shown, output);
        let plan = registry.apply(wanted.clone(), how, &change).await.map_err(refused)?;
        let is_same = plan.created.is_empty() && plan.changed.is_empty();
        if is_same || self.dry_run {
            registry.close().await;
            tell(&plan, false, output);
            return Ok(Exit::Ok);
        }
        if !self.yes {
            // The plan is for whoever is asked; what was done is told afterwards.
            let _ = diff::write(&plan, &mut anstream::stderr().lock());
            if !agreed() {
                registry.close().await;
                return Err(Failure::new(Exit::Failure, "nothing was changed")
                    .help("answer `yes`, or use `--yes` where nobody can be asked"));
            }
        }
        let how = How { dry_run: false, head: Some(plan.head), ..how };
        let applied = registry.apply(wanted, how, &change).await.map_err(refused);
        registry.close().await;
        tell(&applied?, true, output);
        Ok(Exit::Ok)
    }
}

fn tell(applied: &Applied, is_done: bool, output: &Output) {
    let created = applied.created.iter().map(|(key, token)| {
        let token = token.as_ref().filter(|_| is_done).map(|token| token.as_str());
        json!({ "key": view(key, key.created), "token": token })
    });
    let changed =
        applied.changed.iter().map(|(before, after)| json!({ "before": before, "after": after }));
    let value = json!({
        "done": is_done,
        "created": created.collect::<Vec<Value>>(),
        "changed": changed.collect::<Vec<Value>>(),
        "unchanged": applied.unchanged,
        "unlisted": applied.unlisted,
    });
    output.result(&value, |out| {
        let _ = diff::write(applied, out);
        let (created, changed) = (applied.created.len(), applied.changed.len());
        let (keys, same) = (counted(created, "key"), applied.unchanged);
        let _ = match is_done {
            true => writeln!(
                out,
                "{GOOD}applied{GOOD:#}: {keys} created, {changed} changed, {same} as they should be"
            ),
            false => writeln!(
                out,
                "{GOOD}plan{GOOD:#}: {keys} to create, {changed} to change, {same} as they should be"
            ),
        };
        for (key, token) in applied.created.iter().filter(|_| is_done) {
            if let (Some(name), Some(token)) = (&key.name, token) {
                let _ = writeln!(out, "{name} {}", token.as_str());
            }
        }
    });
    if is_done && applied.created.iter().any(|(_, token)| token.is_some()) {
        output.note(format_args!("{NOTICE}these tokens are not shown again{NOTICE:#}"));
    }
    let created = applied.created.iter().map(|(key, _)| key);
    let mut keys = created.chain(applied.changed.iter().map(|(_, after)| after));
    if is_done && keys.any(Key::is_waiting) {
        output.note(format_args!("{DIM}somebody else has to approve: {WAITING}{DIM:#}"));
    }
    if is_done {
        output.note(format_args!("{DIM}`cedarkey push` tells proxies{DIM:#}"));
    }
}

/// Asks whoever sits at the terminal.
fn agreed() -> bool {
    let input = std::io::stdin();
    if !input.is_terminal() {
        return false;
    }
    let _ = write!(anstream::stderr().lock(), "{BAD}apply this?{BAD:#} Only `yes` is taken: ");
    let mut line = String::new();
    input.read_line(&mut line).is_ok() && line.trim() == "yes"
}

fn refuse(error: ImportError, file: &str, output: &Output) -> Failure {
    let help = match &error {
        ImportError::Rows { wrong, .. } => {
            for (place, error) in wrong {
                output.wrong(&format!("{file}: {place}: {error}"));
            }
            "put them right, and apply the file again"
        }
        ImportError::Overtaken => "look at the plan again",
        ImportError::Clock(_) => ClockError::HELP,
        _ => return Failure::because(Exit::Registry, "nothing was changed", error),
    };
    Failure::because(Exit::Registry, "nothing was changed", error).help(help)
}
