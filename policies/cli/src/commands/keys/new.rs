//! `cedarkey keys issue` and `cedarkey keys request`

use super::options::{Reach, usage};
use super::push::Push;
use super::rules::{Rules, placed};
use super::{change, view};
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::output::{BAD, DIM, NOTICE, Output};
use crate::project;
use cedarkey_registry::{ClockError, IssueError, Issued};
use clap::Args;
use serde_json::json;
use std::path::Path;

/// Issue a key and show its token, which nobody can show again.
///
/// The token alone goes to standard output. It works once a bundle with the key is in force: run
/// `cedarkey push` next, or give `--push`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cedarkey keys issue --owner team:payments --team payments --purpose 'nightly export' \\
      --scope orders:read --expires 90d
  cedarkey keys issue --owner alice@example.com --purpose debugging --expires 1h \\
      --network 10.0.0.0/8 --format json
  cedarkey keys issue --owner team:security --purpose 'bait in the old wiki' --decoy")]
pub struct Issue {
    #[command(flatten)]
    wanted: Wanted,
    #[command(flatten)]
    push: Push,
}

/// Ask for a key that somebody else has to approve, and show its token.
///
/// The token works once `cedarkey keys approve` was run by another person, and a bundle with the
/// key is in force. Whoever approves never sees the token.
#[derive(Args, Debug)]
#[command(after_help = "Example:
  cedarkey keys request --owner team:payments --team payments --purpose 'nightly export' \\
      --scope orders:read --reason 'the export moves to a machine of its own'")]
pub struct Request {
    #[command(flatten)]
    wanted: Wanted,
}

#[derive(Args, Debug)]
struct Wanted {
    /// Who answers for it: a person, as in `alice@example.com`, or a team, as in `team:payments`
    #[arg(long)]
    owner: String,
    /// What it is for
    #[arg(long)]
    purpose: String,
    /// What to call it; no other key is called so, and a successor takes the name over
    #[arg(long)]
    name: Option<String>,
    /// Why, for the audit
    #[arg(long)]
    reason: Option<String>,
    /// Make a decoy: no proxy ever lets it pass, and each tells of its use. Lay its token out where
    /// only somebody looks who should not
    #[arg(long, conflicts_with_all = ["workload", "scopes", "networks", "spiffe_ids"])]
    decoy: bool,
    #[command(flatten)]
    reach: Reach,
}

impl Issue {
    /// Issues it.
    pub async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        if project::settings(given)?.approval {
            let help =
                "use `cedarkey keys request`, and ask somebody to run `cedarkey keys approve`";
            return Err(usage("this project has a second person approve each key", help));
        }
        self.wanted.run(given, output, Some(&self.push)).await
    }
}

impl Request {
    /// Requests it.
    pub async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        self.wanted.run(given, output, None).await
    }
}

impl Wanted {
    /// Issues it and, if that is asked for, tells proxies; or requests it, where nothing is to be
    /// told.
    async fn run(
        self,
        given: Option<&Path>,
        output: &Output,
        push: Option<&Push>,
    ) -> Result<Exit, Failure> {
        push.map_or(Ok(()), Push::check)?;
        let settings = project::settings(given)?;
        let change = change(self.reason.as_deref());
        let mut new = self.reach.new_key(self.owner, self.purpose, change.now)?;
        new.name = self.name;
        new.decoy = self.decoy;
        let new = placed(new, &settings);
        let message = match push {
            Some(_) => "the key is not issued",
            None => "no key is requested",
        };
        let project = project::load(given)?;
        Rules::of(&project).allow_new(&new, change.now, message, output)?;
        let registry = project::registry(&settings.registry).await?;
        let issued = match push {
            Some(_) => registry.issue(new, &change).await,
            None => registry.request(new, &change).await,
        };
        registry.close().await;
        let issued = match issued {
            Err(IssueError::Clock(error)) => {
                return Err(Failure::because(Exit::Registry, message, error).help(ClockError::HELP));
            }
            other => other.context(Exit::Registry, message)?,
        };
        let key = &issued.key;
        tell_token(&issued, output);
        let expires =
            key.expires.map_or_else(|| "never expires".into(), |at| format!("expires {at}"));
        let what = if key.decoy { "lets proxies tell of its use" } else { "makes it work" };
        let next = match push {
            Some(push) if push.is_wanted() => String::new(),
            Some(_) => format!("; `cedarkey push` {what}"),
            None => format!("; `cedarkey keys approve {}` by somebody else makes it valid", key.id),
        };
        output.note(format_args!("{DIM}key {} of {}, {expires}{next}{DIM:#}", key.id, key.owner));
        if let Some(push) = push.filter(|push| push.is_wanted()) {
            let pushed = push.run(given, output).await;
            if pushed.is_err() {
                let said =
                    "the key is issued, but proxies do not know it: `cedarkey push` tells them";
                output.note(format_args!("{BAD}{said}{BAD:#}"));
            }
            Push::tell(pushed?, "proxies do not know it yet", output);
        }
        Ok(Exit::Ok)
    }
}

/// Writes a token: the only time that anybody sees it.
pub fn tell_token(issued: &Issued, output: &Output) {
    let now = issued.key.created;
    let value = json!({ "token": issued.token.as_str(), "key": view(&issued.key, now) });
    output.result(&value, |out| {
        let _ = writeln!(out, "{}", issued.token.as_str());
    });
    output.note(format_args!("{NOTICE}this token is not shown again{NOTICE:#}"));
}
