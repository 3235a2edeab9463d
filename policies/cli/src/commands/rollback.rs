//! `cedarkey rollback`

mod keys;
mod restore;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{DIM, GOOD, NOTICE, Output, counted};
use crate::progress::Progress;
use crate::project::{self, Settings};
use crate::publisher::{InForce, Publisher, Rejection};
use crate::renewal::Renewal;
use cedarkey_engine::key::KeyId;
use clap::Args;
use jiff::SignedDuration;
use keys::Keys;
use restore::{Restored, restore};
use serde_json::json;
use std::io::Write;
use std::path::Path;

/// Put an earlier version's policies, routes and keys back into force.
///
/// They are signed anew, as a version above all others, because proxies never take a lower one. No key
/// works again because of it, nor for longer: each is held against the version in force and against the
/// registry, where that is at hand. Keys that were issued since are unknown until the next push, and
/// what the others may do is what they might then. Which keys no longer work is told.
///
/// The project's files stay as they are, so mend them: the next push builds what they say.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cedarkey versions --publisher http://127.0.0.1:9180
  cedarkey rollback --to 1767225600000 --publisher http://127.0.0.1:9180")]
pub struct Rollback {
    /// The version whose content is to be in force again; `cedarkey versions` lists them
    #[arg(long, value_name = "VERSION")]
    to: u64,
    /// The publisher's address
    #[arg(long, value_name = "URL", env = "CEDARKEY_PUBLISHER")]
    publisher: reqwest::Url,
    /// How long each step may take
    #[arg(long, value_name = "TIME", default_value = "60s")]
    timeout: SignedDuration,
}

/// How many keys are named.
const NAMED: usize = 20;

impl Rollback {
    /// Does it.
    pub async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let publisher = Publisher::new(&self.publisher, self.timeout)?;
        let settings = project::settings(given)?;
        let renewal = Renewal::read(&settings)?;
        let name = renewal.name();
        let progress = Progress::start(format!("rolling `{name}` back to version {}", self.to));
        let done = match self.once(&publisher, &renewal, &settings).await {
            // Somebody has pushed at the same time: what is in force must be looked at again.
            Err(Rejection::Overtaken(_)) => self.once(&publisher, &renewal, &settings).await?,
            other => other?,
        };
        progress.finish();
        let (from, version, restored) = done;
        let Restored { bound, stopped, .. } = restored;
        let ids: Vec<_> = stopped.iter().map(ToString::to_string).collect();
        let value = json!({
            "name": name, "version": version, "from": from, "to": self.to,
            "stillRevoked": bound.refused, "stillBounded": bound.narrowed, "dropped": bound.dropped,
            "stopped": ids,
            "publisher": self.publisher.as_str(),
        });
        output.result(&value, |out| {
            let to = self.to;
            let _ = writeln!(out, "{GOOD}rolled back{GOOD:#} {name} from version {from} to {to}");
            let _ = writeln!(out, "            as version {version}");
            let kept = [
                (bound.refused, "revoked or suspended since", "still refused"),
                (bound.narrowed, "given an earlier end or a later beginning since", "still so"),
                (bound.dropped, "neither in force nor in the registry here", "left out"),
            ];
            for (count, since, still) in kept.into_iter().filter(|(count, ..)| *count > 0) {
                let keys = counted(count, "key");
                let _ = writeln!(out, "{NOTICE}{keys} {since}{NOTICE:#}: {still}");
            }
            name_stopped(&stopped, out);
        });
        output.note(format_args!(
            "{DIM}policies, routes and what keys may do are those of version {}; the project's files \
             are as they were: mend them before the next push{DIM:#}",
            self.to,
        ));
        Ok(Exit::Ok)
    }

    /// The version that was in force, the one that is now, and what that consists of.
    async fn once(
        &self,
        publisher: &Publisher,
        renewal: &Renewal,
        settings: &Settings,
    ) -> Result<(u64, u64, Restored), Rejection> {
        let name = renewal.name();
        let InForce { envelope, etag } = publisher.in_force(name).await?;
        let current = renewal.verified(&envelope)?;
        let from = current.version;
        if self.to >= from {
            let message = format!("version {} is not below {from}, the one in force", self.to);
            return Err(Failure::new(Exit::Usage, message).into());
        }
        let old = match publisher.version(name, self.to).await {
            Err(Rejection::NotFound(failure)) => {
                let help = "`cedarkey versions` lists those that it keeps";
                return Err(failure.help(help).into());
            }
            other => other?,
        };
        let old = renewal.verified(&old)?;
        if old.version != self.to {
            let message = format!("the publisher gives version {} for {}", old.version, self.to);
            return Err(Failure::new(Exit::Publisher, message).into());
        }
        let registered = Keys::registered(settings).await?;
        let restored = restore(publisher, renewal, &registered, current, old).await?;
        let pushed = restored.renewed.push(publisher, &etag).await?;
        Ok((from, pushed.version, restored))
    }
}

/// Names keys that no longer work, so that nobody has to find out.
fn name_stopped(stopped: &[KeyId], out: &mut dyn Write) {
    if stopped.is_empty() {
        return;
    }
    let keys = counted(stopped.len(), "key");
    let _ = writeln!(out, "{NOTICE}{keys} unknown or refused until the next push{NOTICE:#}:");
    for id in stopped.iter().take(NAMED) {
        let _ = writeln!(out, "  {id}");
    }
    if let Some(more) = stopped.len().checked_sub(NAMED).filter(|more| *more > 0) {
        let _ = writeln!(out, "  and {more} more");
    }
}
