//! What is wrong with the keys of a project, and what they could do without.
//!
//! ```text
//! registry, entities, routes ─┐
//! audit ──────────────────────┼─> findings, granted and used, charts ─> terminal, JSON, HTML
//! usage, if it is known ──────┘
//! ```

mod again;
mod charts;
mod finding;
mod granted;
mod html;
mod rules;

pub use again::Again;
pub use charts::Charts;
pub use finding::{Finding, Level, Rule};
pub use granted::Granted;
pub use rules::{Limits, Rules};

use crate::project::spec;
use crate::usage::Usage;
use cedarkey_compiler::Project;
use cedarkey_registry::{Entry, Key, Status};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;

/// What is wrong, and what can be done.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The bundle's name.
    pub name: String,
    /// The environment.
    pub environment: String,
    /// When it was made.
    pub now: Timestamp,
    /// Since when usage is known, if it is.
    pub usage_since: Option<Timestamp>,
    /// How many keys there are that have not ended.
    pub keys: usize,
    /// How many findings there are of each level.
    pub counts: BTreeMap<Level, usize>,
    /// What is wrong, the gravest first.
    pub findings: Vec<Finding>,
    /// What could not be looked for, as usage is not known or not for long enough.
    pub not_looked_for: Vec<Rule>,
    /// What each key may do, and does.
    pub granted: Vec<Granted>,
    /// What can be drawn.
    pub charts: Charts,
}

/// All that is known.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The project.
    pub project: &'a Project,
    /// All keys.
    pub keys: &'a [Key],
    /// How they are used, if that is known.
    pub usage: Option<&'a Usage>,
    /// What was done to them.
    pub audit: &'a [Entry],
    /// How it was asked for.
    pub again: &'a Again,
}

/// Whether a key could be used, now or again.
pub fn is_live(status: Status) -> bool {
    matches!(status, Status::Active | Status::Rotating | Status::Suspended | Status::Upcoming)
}

// === impl Report ===

impl Report {
    /// Looks for everything.
    pub fn new(known: Known<'_>, limits: Limits, now: Timestamp) -> Self {
        let Known { project, keys, usage, audit, again } = known;
        let rules = Rules::new(project, usage, again, limits);
        let watched = |key: &Key| {
            let begun = key.created.max(key.not_before);
            usage.is_some_and(|usage| usage.watched(begun, now) >= limits.watched)
        };
        let granted = |key: &Key| {
            let is_live = is_live(key.status(now));
            is_live.then(|| Granted::new(project, key, usage, watched(key)))
        };
        let granted: Vec<Option<Granted>> = keys.iter().map(granted).collect();
        let each = keys.iter().zip(&granted);
        let mut findings: Vec<Finding> =
            each.flat_map(|(key, granted)| rules.check(key, granted.as_ref(), now)).collect();
        findings.sort_by(|a, b| (a.level, a.rule, &a.key).cmp(&(b.level, b.rule, &b.key)));
        let counts = Level::count(findings.iter().map(|finding| finding.level));
        let live: Vec<&Key> = keys.iter().filter(|key| is_live(key.status(now))).collect();
        let not_looked_for = match usage {
            Some(usage) if usage.watched(Timestamp::MIN, now) < limits.watched => {
                vec![Rule::Overprivileged]
            }
            Some(_) => Vec::new(),
            None => Rule::ALL.into_iter().filter(|rule| rule.needs_usage()).collect(),
        };
        // What was wrong earlier is looked for with what is known of earlier.
        let then = Rules::new(project, None, again, limits);
        Self {
            name: project.settings.bundle.name.clone(),
            environment: project.settings.bundle.environment.clone(),
            now,
            usage_since: usage.and_then(|usage| usage.since),
            keys: live.len(),
            counts,
            charts: Charts::new(&live, &findings, audit, &then, now),
            findings,
            not_looked_for,
            granted: granted.into_iter().flatten().collect(),
        }
    }

    /// The keys that could do with less than they have.
    pub fn narrower(&self) -> Vec<&Granted> {
        self.granted.iter().filter(|granted| granted.policy.is_some()).collect()
    }

    /// How many findings are as grave as this or graver.
    pub fn as_grave_as(&self, level: Level) -> usize {
        let counts = self.counts.iter().filter(|(other, _)| **other <= level);
        counts.map(|(_, count)| *count).sum()
    }
}

/// What the compiler says of a key, by the ends of its codes.
fn lints<'a>(
    rules: &'a cedarkey_compiler::KeyRules<'_>,
    key: &'a Key,
    now: Timestamp,
) -> Vec<(&'static str, String)> {
    let spec = spec(key, now);
    let problems = rules.check(std::slice::from_ref(&spec));
    let named = problems.iter().map(|problem| {
        let code = problem.id().rsplit(':').next().unwrap_or_default();
        let message = problem.to_string();
        let about = format!("key `{}`: ", key.id);
        let message = message.strip_prefix(&about).map_or(message.clone(), str::to_owned);
        (code, message)
    });
    named.collect()
}
