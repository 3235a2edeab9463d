//! The commands that change keys: one or several, all of them or none.

use super::options::{Push, Selection};
use super::rules::Rules;
use super::{change, refused, view};
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::output::{BAD, DIM, GOOD, Output, counted};
use crate::progress::Progress;
use crate::project;
use crate::time::Instant;
use cedarkey_registry::{Edit, Edited, Key, Status, Which};
use clap::Args;
use jiff::Timestamp;
use serde_json::json;
use std::path::Path;

/// Approve a key that somebody else has requested.
#[derive(Args, Debug)]
#[command(after_help = "Example:
  cedarkey keys list --status pending
  cedarkey keys approve 01KA3V8J")]
pub struct Approve {
    #[command(flatten)]
    keys: Selection,
    /// Why, for the audit
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    push: Push,
}

/// Deny a key that somebody has requested.
#[derive(Args, Debug)]
pub struct Deny {
    #[command(flatten)]
    keys: Selection,
    /// Why, for the audit
    #[arg(long)]
    reason: String,
}

/// Let keys be refused until they are resumed.
///
/// Proxies refuse them as soon as a bundle that says so reaches them; `--push` sends one at once.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cedarkey keys suspend 01KA3V8J --reason 'unusual traffic' --push http://127.0.0.1:9180
  cedarkey keys suspend --team payments --reason 'incident 7'")]
pub struct Suspend {
    #[command(flatten)]
    keys: Selection,
    /// Why, for the audit
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    push: Push,
}

/// Let suspended keys be valid again.
#[derive(Args, Debug)]
pub struct Resume {
    #[command(flatten)]
    keys: Selection,
    /// Why, for the audit
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    push: Push,
}

/// Revoke keys for good.
///
/// Proxies refuse them as soon as a bundle that says so reaches them; `--push` sends one at once.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cedarkey keys revoke 01KA --reason 'found in a public repository' --push http://127.0.0.1:9180
  cedarkey keys revoke --owner bob@example.com --reason 'left the company'")]
pub struct Revoke {
    #[command(flatten)]
    keys: Selection,
    /// Why, for the audit
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    push: Push,
}

/// Let keys end because what used them has.
#[derive(Args, Debug)]
#[command(after_help = "Example:
  cedarkey keys retire --workload nightly-export --reason 'moved to the new pipeline'")]
pub struct Retire {
    #[command(flatten)]
    keys: Selection,
    /// Why, for the audit
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    push: Push,
}

/// Let keys live until later.
#[derive(Args, Debug)]
#[command(after_help = "Example:
  cedarkey keys extend nightly-export --until 30d --reason 'the migration is late'")]
pub struct Extend {
    #[command(flatten)]
    keys: Selection,
    /// Until when: a length of time from now, an instant, or `never`
    #[arg(long, value_name = "WHEN")]
    until: Instant,
    /// Why, for the audit
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    push: Push,
}

/// Give keys to another owner.
#[derive(Args, Debug)]
#[command(after_help = "Example:
  cedarkey keys transfer --owner bob@example.com --to alice@example.com --reason 'bob has left'")]
pub struct Transfer {
    #[command(flatten)]
    keys: Selection,
    /// Who answers for them from now on
    #[arg(long, value_name = "OWNER")]
    to: String,
    /// The id of the `Team` that they belong to from now on [default: the one they belong to]
    #[arg(long, value_name = "ID")]
    to_team: Option<String>,
    /// Why, for the audit
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    push: Push,
}

/// A change of keys, and how it is told.
struct Plan<'a> {
    which: Which,
    edit: Edit,
    reason: Option<&'a str>,
    /// What was done, as in `revoked`.
    done: &'static str,
    /// What is said of a key that was so before.
    before: &'static str,
    /// What proxies do until they are told; none, where it does not matter to them.
    untold: Option<&'static str>,
    push: Option<&'a Push>,
}

/// What can still be used, or could be again.
const LIVE: [Status; 4] = [Status::Active, Status::Rotating, Status::Suspended, Status::Upcoming];

const ACCEPT: &str = "proxies still accept it";
const REFUSE: &str = "proxies do not accept it yet";

impl Approve {
    /// Approves them.
    pub async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let plan = Plan {
            which: self.keys.which(&[Status::Pending]),
            edit: Edit::Approve,
            reason: self.reason.as_deref(),
            done: "approved",
            before: "was approved before",
            untold: Some(REFUSE),
            push: Some(&self.push),
        };
        plan.run(given, output).await
    }
}

impl Deny {
    /// Denies them.
    pub async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let plan = Plan {
            which: self.keys.which(&[Status::Pending]),
            edit: Edit::Deny,
            reason: Some(&self.reason),
            done: "denied",
            before: "was denied before",
            untold: None,
            push: None,
        };
        plan.run(given, output).await
    }
}

impl Suspend {
    /// Suspends them.
    pub async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let plan = Plan {
            which: self.keys.which(&[Status::Active, Status::Rotating, Status::Upcoming]),
            edit: Edit::Suspend,
            reason: Some(&self.reason),
            done: "suspended",
            before: "was suspended before",
            untold: Some(ACCEPT),
            push: Some(&self.push),
        };
        plan.run(given, output).await
    }
}

impl Resume {
    /// Resumes them.
    pub async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let plan = Plan {
            which: self.keys.which(&[Status::Suspended]),
            edit: Edit::Resume,
            reason: self.reason.as_deref(),
            done: "resumed",
            before: "was resumed before",
            untold: Some(REFUSE),
            push: Some(&self.push),
        };
        plan.run(given, output).await
    }
}

impl Revoke {
    /// Revokes them.
    pub async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let plan = Plan {
            which: self.keys.which(&[
                Status::Active,
                Status::Expired,
                Status::Pending,
                Status::Retired,
                Status::Rotating,
                Status::Suspended,
                Status::Upcoming,
            ]),
            edit: Edit::Revoke,
            reason: Some(&self.reason),
            done: "revoked",
            before: "was revoked before",
            untold: Some(ACCEPT),
            push: Some(&self.push),
        };
        plan.run(given, output).await
    }
}

impl Retire {
    /// Retires them.
    pub async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let plan = Plan {
            which: self.keys.which(&LIVE),
            edit: Edit::Retire,
            reason: Some(&self.reason),
            done: "retired",
            before: "had ended before",
            untold: Some(ACCEPT),
            push: Some(&self.push),
        };
        plan.run(given, output).await
    }
}

impl Extend {
    /// Extends them.
    pub async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let until = self.until.from(Timestamp::now())?;
        let plan = Plan {
            which: self.keys.which(&LIVE),
            edit: Edit::Extend { until },
            reason: Some(&self.reason),
            done: "extended",
            before: "is as it was",
            untold: Some("proxies do not know yet"),
            push: Some(&self.push),
        };
        let change = move |key: &Key| Key { expires: until, ..key.clone() };
        plan.check(given, output, change).await?;
        plan.run(given, output).await
    }
}

impl Transfer {
    /// Transfers them.
    pub async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let (owner, team) = (self.to.clone(), self.to_team.clone());
        let plan = Plan {
            which: self.keys.which(&[
                Status::Active,
                Status::Expired,
                Status::Pending,
                Status::Rotating,
                Status::Suspended,
                Status::Upcoming,
            ]),
            edit: Edit::Transfer { owner: owner.clone(), team: team.clone() },
            reason: self.reason.as_deref(),
            done: "transferred",
            before: "belonged there before",
            untold: Some("proxies do not know yet"),
            push: Some(&self.push),
        };
        let change = move |key: &Key| {
            let team = team.clone().or_else(|| key.team.clone());
            Key { owner: owner.clone(), team, ..key.clone() }
        };
        plan.check(given, output, change).await?;
        plan.run(given, output).await
    }
}

// === impl Plan ===

impl Plan<'_> {
    /// Whether the project can be built with the keys as they are to be.
    async fn check(
        &self,
        given: Option<&Path>,
        output: &Output,
        change: impl Fn(&Key) -> Key,
    ) -> Result<(), Failure> {
        let message = format!("no key is {}", self.done);
        let rules = Rules::load(given)?;
        let settings = project::settings(given)?;
        let registry = project::registry(&settings.registry).await?;
        let now = Timestamp::now();
        let keys = match &self.which {
            Which::All(filter) => registry.list(filter, now).await.context(Exit::Registry, &message),
            Which::Each(selectors) => {
                let mut keys = Vec::new();
                for selector in selectors {
                    // What is not found is told when it is to be changed.
                    keys.extend(registry.get(selector).await.ok());
                }
                Ok(keys)
            }
        };
        registry.close().await;
        for key in keys? {
            rules.allow_key(&change(&key), now, &message, output)?;
        }
        Ok(())
    }

    async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let settings = project::settings(given)?;
        let registry = project::registry(&settings.registry).await?;
        let change = change(self.reason);
        let progress = Progress::start("changing keys".into());
        let mut reached = |done| progress.reached("changing keys", done);
        let edited = registry.edit(&self.which, &self.edit, &change, &mut reached).await;
        registry.close().await;
        progress.finish();
        let edited = edited.map_err(refused(&format!("no key is {}", self.done)))?;
        if edited.is_empty() {
            let help = "`cedarkey keys list` shows which keys there are, and in which status";
            return Err(Failure::new(Exit::Registry, "no such key can be changed so").help(help));
        }
        let pushed = match self.push {
            Some(push) => {
                let pushed = push.run(given, output).await;
                if pushed.is_err() {
                    let (keys, done) = (counted(edited.len(), "key"), self.done);
                    output.note(format_args!("{BAD}{keys} {done}, but proxies do not know{BAD:#}"));
                }
                pushed?
            }
            None => None,
        };
        self.tell(&edited, pushed, change.now, output);
        Ok(Exit::Ok)
    }

    fn tell(&self, edited: &[Edited], pushed: Option<u64>, now: Timestamp, output: &Output) {
        let keys = edited.iter().map(|edited| {
            let mut value = view(&edited.key, now);
            if let Some(value) = value.as_object_mut() {
                value.insert("changed".into(), json!(edited.changed));
            }
            value
        });
        let value = json!({ "keys": keys.collect::<Vec<_>>(), "version": pushed });
        output.result(&value, |out| {
            for Edited { key, changed } in edited {
                let (style, said) = if *changed { (GOOD, self.done) } else { (DIM, self.before) };
                let _ = writeln!(out, "{style}{said}{style:#} {} of {}", key.id, key.owner);
            }
        });
        if let Some(untold) = self.untold {
            Push::tell(pushed, untold, output);
        }
    }
}
