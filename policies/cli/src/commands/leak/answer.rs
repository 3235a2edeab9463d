//! What is done with keys that were found where they should not be, and who is told.

use crate::commands::keys::{Push, Refuse, change, refused, view};
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::findings::{Finding, Place};
use crate::output::{BAD, DIM, GOOD, NOTICE, Output, STRONG, counted};
use crate::project::{self, Settings};
use cedarkey_compiler::settings::LeakResponse;
use cedarkey_registry::{Edit, Edited, FindError, Key, Registry, Selector, State, Task};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What became of findings.
pub struct Answer {
    /// How many there were.
    found: usize,
    leaks: Vec<Leak>,
    edited: Vec<Edited>,
    /// Whether nothing was to be done.
    dry: bool,
    /// The version of the bundle that tells proxies.
    pushed: Option<u64>,
}

/// What may be done with keys that were found.
#[derive(Clone, Copy, Debug)]
pub struct Mandate {
    /// The response; without, there is only a look.
    pub response: Option<LeakResponse>,
    /// How many keys may be answered within an hour, if not all.
    pub at_most: Option<usize>,
}

/// For how long keys that were answered count for how many there may be.
const WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// What the reason of a key begins with that was answered.
const LEAKED: &str = "leaked";

/// A key that was found, and where.
struct Leak {
    key: Key,
    places: Vec<Place>,
}

// === impl Answer ===

impl Answer {
    /// Looks the keys up and changes them, as far as that may be done: all of them, or none.
    pub async fn give(
        settings: &Settings,
        findings: &[Finding],
        mandate: Mandate,
    ) -> Result<Self, Failure> {
        let registry = project::registry(&settings.registry).await?;
        let answered = Self::try_give(&registry, findings, mandate).await;
        registry.close().await;
        answered
    }

    async fn try_give(
        registry: &Registry,
        findings: &[Finding],
        Mandate { response, at_most }: Mandate,
    ) -> Result<Self, Failure> {
        let leaks = look_up(registry, findings).await?;
        let tasks = |response| leaks.iter().filter_map(move |leak| leak.task(response)).collect();
        let tasks: Vec<_> = response.map(tasks).unwrap_or_default();
        if let Some(at_most) = at_most.filter(|_| !tasks.is_empty()) {
            check(registry, tasks.len(), at_most).await?;
        }
        let edited = if tasks.is_empty() {
            Vec::new()
        } else {
            let edited = registry.edit_each(&tasks, &change(None), &mut |_| {}).await;
            edited.map_err(refused("no key is changed"))?
        };
        Ok(Self { found: findings.len(), leaks, edited, dry: response.is_none(), pushed: None })
    }

    /// Tells proxies, if that was asked for. What was answered before may not have reached them: it
    /// is told again.
    pub async fn push(
        &mut self,
        push: &Refuse,
        given: Option<&Path>,
        output: &Output,
    ) -> Result<(), Failure> {
        if self.leaks.is_empty() {
            return Ok(());
        }
        let pushed = push.run(given, output).await;
        if pushed.is_err() {
            let keys = counted(self.leaks.len(), "key");
            output.note(format_args!(
                "{BAD}{keys} answered in the registry, but proxies still accept them{BAD:#}"
            ));
        }
        self.pushed = pushed?;
        Ok(())
    }

    /// Says what was done, and who must be told.
    pub fn tell(&self, output: &Output) {
        let Self { found, leaks, edited, dry, pushed } = self;
        let now = Timestamp::now();
        let known: usize = leaks.iter().map(|leak| leak.places.len()).sum();
        let unknown = found.saturating_sub(known);
        let after = |leak: &Leak| edited.iter().find(|edited| edited.key.id == leak.key.id);
        let keys: Vec<Value> = leaks.iter().map(|leak| leak.view(after(leak), now)).collect();
        let told = who(leaks);
        let value = json!({
            "findings": found, "unknown": unknown, "keys": keys, "tell": told, "version": pushed,
        });
        output.result(&value, |out| {
            for leak in leaks {
                let Key { id, owner, purpose, decoy, .. } = &leak.key;
                let (style, done) = match after(leak) {
                    Some(edited) => (GOOD, edited.key.state.word()),
                    None if *decoy => (NOTICE, "decoy, left as it is:"),
                    None if *dry => (NOTICE, "found"),
                    None => (DIM, leak.key.state.word()),
                };
                let _ = writeln!(out, "{style}{done}{style:#} {id} of {owner}: {purpose}");
                for place in &leak.places {
                    let _ = writeln!(out, "  {DIM}by {place}{DIM:#}");
                }
            }
            for (owner, keys) in &told {
                let _ = writeln!(out, "{STRONG}tell{STRONG:#} {owner}: {}", keys.join(" "));
            }
            if unknown > 0 {
                let what = counted(unknown, "finding");
                let _ = writeln!(out, "{what} without a key in this registry");
            }
            if *found == 0 {
                let _ = writeln!(out, "nothing was found");
            }
        });
        if pushed.is_some() || edited.iter().any(|edited| edited.changed) {
            Push::tell(*pushed, "proxies still accept them", output);
        }
    }
}

/// Whether so many keys may be answered, besides those that were within the hour, whoever has answered
/// these: one who starts it again does not begin anew.
async fn check(registry: &Registry, keys: usize, at_most: usize) -> Result<(), Failure> {
    let all = registry.all().await.context(Exit::Registry, "no key is changed")?;
    let now = Timestamp::now();
    let was_answered = |key: &&Key| {
        let leaked = key.reason.as_deref().is_some_and(|reason| reason.starts_with(LEAKED));
        let is_over = matches!(key.state, State::Revoked | State::Suspended);
        leaked && is_over && now.duration_since(key.since) < WITHIN
    };
    let before = all.iter().filter(was_answered).count();
    if keys.saturating_add(before) <= at_most {
        return Ok(());
    }
    let found = counted(keys, "key");
    let before = match before {
        0 => String::new(),
        before => format!(", after {before} within the last hour"),
    };
    let message = format!(
        "{found} would be revoked or suspended{before}, and `--at-most` is {at_most}: no key is changed"
    );
    Err(Failure::new(Exit::TooMany, message))
}

/// Who answers for which of the keys.
fn who(leaks: &[Leak]) -> BTreeMap<&str, Vec<&str>> {
    let mut who: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for Leak { key, .. } in leaks {
        let others = [&key.requested_by, &key.approver].into_iter().flatten();
        let people: BTreeSet<_> = others.chain([&key.owner]).collect();
        for person in people {
            who.entry(person).or_default().push(&key.id);
        }
    }
    who
}

/// The keys that were found, in the order of the findings, each with all its places.
async fn look_up(registry: &Registry, findings: &[Finding]) -> Result<Vec<Leak>, Failure> {
    let mut leaks: Vec<Leak> = Vec::new();
    let mut numbers = BTreeMap::new();
    for finding in findings {
        for hash in &finding.hashes {
            let key = match registry.get(&Selector::Hash(*hash)).await {
                Ok(key) => key,
                Err(FindError::Missing(_)) => continue,
                Err(error) => return Err(error).context(Exit::Registry, "no key is changed"),
            };
            let number = *numbers.entry(key.id.clone()).or_insert(leaks.len());
            match leaks.get_mut(number) {
                Some(leak) => leak.places.push(finding.place.clone()),
                None => leaks.push(Leak { key, places: vec![finding.place.clone()] }),
            }
            break;
        }
    }
    Ok(leaks)
}

// === impl Leak ===

impl Leak {
    /// What is to be done with it; nothing, where it can no longer be used.
    fn task(&self, response: LeakResponse) -> Option<Task> {
        // It is of use where it is found, and of none to whoever finds it.
        if self.key.decoy {
            return None;
        }
        let edit = match (self.key.state, response) {
            (State::Active, LeakResponse::Suspend) => Edit::Suspend,
            // A request has no use that could be resumed.
            (State::Active | State::Suspended, LeakResponse::Revoke) | (State::Pending, _) => {
                Edit::Revoke
            }
            (State::Suspended, LeakResponse::Suspend)
            | (State::Denied | State::Retired | State::Revoked, _) => return None,
        };
        let first = self.places.first().map(ToString::to_string).unwrap_or_default();
        let reason = match self.places.len() {
            0 | 1 => format!("{LEAKED}: found by {first}"),
            several => format!("{LEAKED}: found {several} times, first by {first}"),
        };
        // What a scanner says is not ours: the audit takes one line.
        let reason = reason.chars().filter(|letter| !letter.is_control()).collect();
        Some(Task { which: Selector::Text(self.key.id.clone()).into(), edit, reason })
    }

    fn view(&self, edited: Option<&Edited>, now: Timestamp) -> Value {
        let mut value = view(edited.map_or(&self.key, |edited| &edited.key), now);
        if let Some(value) = value.as_object_mut() {
            value.insert("changed".into(), json!(edited.is_some_and(|edited| edited.changed)));
            value.insert("found".into(), json!(self.places));
        }
        value
    }
}
