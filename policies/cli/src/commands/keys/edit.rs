//! The commands that change keys: one or several, all of them or none.

mod plan;

pub use plan::Plan;

use super::options::Selection;
use super::push::{Push, Refuse, Telling};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::time::Instant;
use cedarkey_registry::{Edit, Key, Status, Waiting};
use clap::Args;
use jiff::Timestamp;
use std::path::Path;

/// Approve keys, and changes of keys, that somebody else has asked for.
#[derive(Args, Debug)]
#[command(after_help = "Example:
  cedarkey keys list --waiting
  cedarkey keys show 01KA3V8J
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

/// Deny keys, and changes of keys, that somebody has asked for.
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
    push: Refuse,
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
/// Proxies refuse them as soon as a bundle that says so reaches them; `--push` sends one at once. Of
/// all keys of an owner, team, workload or label, those that have expired are revoked too.
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
    push: Refuse,
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
    push: Refuse,
}

/// Let keys live until later.
///
/// Where the project has a second person approve keys, this waits for `keys approve`.
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
///
/// Where the project has a second person approve keys, this waits for `keys approve`.
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

/// What can still be used, or could be again.
const LIVE: [Status; 4] = [Status::Active, Status::Rotating, Status::Suspended, Status::Upcoming];

const ACCEPT: &str = "proxies still accept it";
const UNTOLD: &str = "proxies do not know yet";
const REFUSE: &str = "proxies do not accept it yet";

impl Approve {
    /// Approves them.
    pub async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let plan = Plan {
            which: self.keys.waiting(),
            edit: Edit::Approve,
            reason: self.reason.as_deref(),
            done: "approved",
            before: "was approved before",
            untold: Some(UNTOLD),
            push: Some(Telling::All(&self.push)),
        };
        // Rules, owners and routes may be others than when it was asked for.
        let change = |key: &Key| match key.waiting.as_ref() {
            Some(Waiting::Become { key: asked, .. }) => {
                Some(Key { state: key.state, ..Key::clone(asked) })
            }
            _ => Some(key).filter(|key| key.is_waiting()).cloned(),
        };
        plan.check(given, output, change).await?;
        plan.run(given, output).await
    }
}

impl Deny {
    /// Denies them.
    pub async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let plan = Plan {
            which: self.keys.waiting(),
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
            push: Some(Telling::Refused(&self.push)),
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
            push: Some(Telling::All(&self.push)),
        };
        plan.run(given, output).await
    }
}

impl Revoke {
    /// Revokes them.
    pub async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let plan = Plan {
            // What has expired or was retired too: proxies may not know of it yet.
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
            push: Some(Telling::Refused(&self.push)),
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
            push: Some(Telling::Refused(&self.push)),
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
            push: Some(Telling::All(&self.push)),
        };
        let change = move |key: &Key| Some(Key { expires: until, ..key.clone() });
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
            push: Some(Telling::All(&self.push)),
        };
        let change = move |key: &Key| {
            let team = team.clone().or_else(|| key.team.clone());
            Some(Key { owner: owner.clone(), team, ..key.clone() })
        };
        plan.check(given, output, change).await?;
        plan.run(given, output).await
    }
}
