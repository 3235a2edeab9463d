//! A change of keys, from what was typed to what is told.

use crate::commands::keys::options::WAITING;
use crate::commands::keys::push::{Push, Telling};
use crate::commands::keys::rotate::replaces;
use crate::commands::keys::rules::Rules;
use crate::commands::keys::{change, refused, view};
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::output::{BAD, DIM, GOOD, NOTICE, Output, counted};
use crate::progress::Progress;
use crate::project;
use cedarkey_registry::{Edit, Edited, Key, Which};
use jiff::Timestamp;
use serde_json::json;
use std::path::Path;

/// A change of keys, and how it is told.
pub struct Plan<'a> {
    pub which: Which,
    pub edit: Edit,
    pub reason: Option<&'a str>,
    /// What was done, as in `revoked`.
    pub done: &'static str,
    /// What is said of a key that was so before.
    pub before: &'static str,
    /// What proxies do until they are told; none, where it does not matter to them.
    pub untold: Option<&'static str>,
    pub push: Option<Telling<'a>>,
}

// === impl Plan ===

impl Plan<'_> {
    /// Whether the project can be built with the keys as they are to be; nothing is to become of those
    /// that give none.
    pub async fn check(
        &self,
        given: Option<&Path>,
        output: &Output,
        change: impl Fn(&Key) -> Option<Key>,
    ) -> Result<(), Failure> {
        let message = format!("no key is {}", self.done);
        let project = project::load(given)?;
        let rules = Rules::of(&project);
        let settings = project::settings(given)?;
        let registry = project::registry(&settings.registry).await?;
        let now = Timestamp::now();
        let keys = match &self.which {
            Which::All(filter) => {
                registry.list(filter, now).await.context(Exit::Registry, &message)
            }
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
        for key in keys?.iter().filter_map(change) {
            rules.allow_key(&key, now, &message, output)?;
        }
        Ok(())
    }

    /// Does it, and tells what was done.
    pub async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let settings = project::settings(given)?;
        let registry = project::registry(&settings.registry).await?;
        let change = change(self.reason).with_approval(settings.approval);
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
        // What only waits is nothing that proxies could be told.
        let waits = edited.iter().all(|edited| edited.waits);
        let pushed = match self.push.filter(|_| !waits) {
            Some(push) => {
                let pushed = push.run(given, output).await;
                let changed = edited.iter().filter(|edited| edited.changed).collect::<Vec<_>>();
                if pushed.is_err() && !changed.is_empty() {
                    let what = match changed.as_slice() {
                        [one] => format!("key {} is", one.key.id),
                        several => format!("{} are", counted(several.len(), "key")),
                    };
                    let untold = self.untold.unwrap_or("proxies do not know");
                    output.note(format_args!("{BAD}{what} {}, but {untold}{BAD:#}", self.done));
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
                value.insert("waits".into(), json!(edited.waits));
                if let Some(old) = &edited.replaced {
                    value.insert("replaced".into(), view(old, now));
                }
                if let Some((action, by)) = &edited.instead_of {
                    value.insert("insteadOf".into(), json!({ "action": action, "by": by }));
                }
            }
            value
        });
        let value = json!({ "keys": keys.collect::<Vec<_>>(), "version": pushed });
        output.result(&value, |out| {
            for Edited { key, changed, waits, instead_of, replaced } in edited {
                let (style, said) = match (changed, waits) {
                    (_, true) => (NOTICE, "asked for"),
                    (true, false) => (GOOD, self.done),
                    (false, false) => (DIM, self.before),
                };
                let had_expired = matches!(self.edit, Edit::Revoke)
                    && *changed
                    && key.expires.is_some_and(|expires| expires <= now);
                let ended = if had_expired { ", which had expired" } else { "" };
                let _ = writeln!(out, "{style}{said}{style:#} {} of {}{ended}", key.id, key.owner);
                if let Some((action, by)) = instead_of {
                    let _ = writeln!(out, "  instead of `{action}`, which {by} had asked for");
                }
                if let Some(old) = replaced {
                    let _ = writeln!(out, "  {}", replaces(old));
                }
            }
        });
        if edited.iter().any(|edited| edited.waits) {
            output.note(format_args!("{NOTICE}somebody else has to approve: {WAITING}{NOTICE:#}"));
        }
        let is_new = edited.iter().any(|edited| edited.changed && !edited.waits);
        match self.untold.filter(|_| edited.iter().any(|edited| !edited.waits)) {
            Some(untold) if is_new || pushed.is_some() => Push::tell(pushed, untold, output),
            // Whether that is in the bundle in force is not known here.
            Some(_) => output.note(format_args!(
                "{DIM}nothing was changed; `cedarkey push` tells proxies what they do not know{DIM:#}"
            )),
            None => {}
        }
    }
}
