//! `cedarkey leak report`

use crate::commands::keys::{Push, change, refused, view};
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::findings::{self, Finding, Place};
use crate::output::{BAD, DIM, GOOD, NOTICE, Output, STRONG, counted};
use crate::project;
use cedarkey_compiler::settings::LeakResponse;
use cedarkey_registry::{Edit, Edited, FindError, Key, Registry, Selector, State, Task};
use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Revoke or suspend the keys that a secret scanner has found.
///
/// Takes the JSON reports of gitleaks and TruffleHog. What was found is hashed at once and looked up
/// in the registry; what is no key there is counted and left. Keys that could still be used are
/// revoked or, with `leak.response = "suspend"` in cedarkey.toml, suspended: all of them in one
/// transaction, with the place in the audit. Then it says who must be told.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  gitleaks git --report-format json --report-path - | cedarkey leak report -
  cedarkey leak report found.json --push http://127.0.0.1:9180
  cedarkey leak report found.json --dry-run")]
pub struct Report {
    /// A scanner's report in JSON, or `-` for standard input
    #[arg(value_name = "FILE", required = true)]
    reports: Vec<PathBuf>,
    /// What is done with a key that was found, `revoke` or `suspend` [default: `leak.response` in
    /// cedarkey.toml, or `revoke`]
    #[arg(long, value_name = "RESPONSE", value_parser = response)]
    response: Option<LeakResponse>,
    /// Say what would be done, and do nothing
    #[arg(long, conflicts_with = "push")]
    dry_run: bool,
    #[command(flatten)]
    push: Push,
}

/// A key that was found, and where.
struct Leak {
    key: Key,
    places: Vec<Place>,
}

// === impl Report ===

impl Report {
    /// Answers the findings.
    pub async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let mut findings = Vec::new();
        for report in &self.reports {
            findings.extend(read(report)?);
        }
        let settings = project::settings(given)?;
        let response = self.response.unwrap_or(settings.leak_response);
        let registry = project::registry(&settings.registry).await?;
        let answered = self.answer(&registry, &findings, response).await;
        registry.close().await;
        let (leaks, edited) = answered?;
        // What was answered before may not have reached proxies: a push that is asked for is made.
        let pushed = if leaks.is_empty() {
            None
        } else {
            let pushed = self.push.run(given, output).await;
            if pushed.is_err() {
                let keys = counted(leaks.len(), "key");
                output.note(format_args!(
                    "{BAD}{keys} answered in the registry, but proxies still accept them{BAD:#}"
                ));
            }
            pushed?
        };
        self.tell(&leaks, &edited, findings.len(), pushed, output);
        Ok(Exit::Ok)
    }

    /// Looks the keys up and changes them.
    async fn answer(
        &self,
        registry: &Registry,
        findings: &[Finding],
        response: LeakResponse,
    ) -> Result<(Vec<Leak>, Vec<Edited>), Failure> {
        let leaks = look_up(registry, findings).await?;
        let tasks: Vec<_> = leaks.iter().filter_map(|leak| leak.task(response)).collect();
        if self.dry_run || tasks.is_empty() {
            return Ok((leaks, Vec::new()));
        }
        let edited = registry.edit_each(&tasks, &change(None), &mut |_| {}).await;
        Ok((leaks, edited.map_err(refused("no key is changed"))?))
    }

    fn tell(
        &self,
        leaks: &[Leak],
        edited: &[Edited],
        found: usize,
        pushed: Option<u64>,
        output: &Output,
    ) {
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
                let Key { id, owner, purpose, .. } = &leak.key;
                let (style, done) = match after(leak) {
                    Some(edited) => (GOOD, edited.key.state.word()),
                    None if self.dry_run => (NOTICE, "found"),
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
            if found == 0 {
                let _ = writeln!(out, "nothing was found");
            }
        });
        if pushed.is_some() || edited.iter().any(|edited| edited.changed) {
            Push::tell(pushed, "proxies still accept them", output);
        }
    }
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

fn read(report: &Path) -> Result<Vec<Finding>, Failure> {
    let shown = report.display();
    let mut bytes = Vec::new();
    let read = if report.as_os_str() == "-" {
        std::io::stdin().lock().read_to_end(&mut bytes)
    } else {
        std::fs::File::open(report).and_then(|mut file| file.read_to_end(&mut bytes))
    };
    read.context(Exit::Failure, format_args!("cannot read `{shown}`"))?;
    let found =
        findings::read(&bytes).context(Exit::Failure, format_args!("`{shown}` is no report"));
    found.map_err(|failure| {
        failure.help("write it with `gitleaks git --report-format json` or `trufflehog git --json`")
    })
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

fn response(text: &str) -> Result<LeakResponse, String> {
    LeakResponse::parse(text).ok_or_else(|| "write `revoke` or `suspend`".into())
}

// === impl Leak ===

impl Leak {
    /// What is to be done with it; nothing, where it can no longer be used.
    fn task(&self, response: LeakResponse) -> Option<Task> {
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
            0 | 1 => format!("leaked: found by {first}"),
            several => format!("leaked: found {several} times, first by {first}"),
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
