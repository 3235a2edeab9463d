//! Rules for keys that a project can make graver, lighter, or do without: `[lints.keys]` in
//! `cedarkey.toml`. A lint's name there is the end of its code: `owner-unknown` is
//! `cedarkey::keys::owner-unknown`.

mod owner;
mod workload;

use crate::keys::{Inventory, KeySpec};
use crate::problem::{Problem, Problems};
use crate::project::Project;
use crate::settings::{Lifetime, Settings};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use workload::Identities;

/// How grave it is to break a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// It is no fault.
    Allow,
    /// Nothing is built.
    Deny,
    /// It is told.
    Warn,
}

/// `[lints]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LintSettings {
    /// The rules for keys.
    pub keys: KeyLints,
}

/// `[lints.keys]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct KeyLints {
    /// A key lives for longer than `keys.max_lifetime`, or for ever.
    pub lifetime: Level,
    /// A network is none. Unless it is denied, the key is left out of the bundle.
    pub network: Level,
    /// A key has no owner.
    pub owner: Level,
    /// The owner's entity says `departed`.
    pub owner_departed: Level,
    /// The owner is no `Team` or `Person` in `entities.json`.
    pub owner_unknown: Level,
    /// A key has no purpose.
    pub purpose: Level,
    /// No route asks for a scope that a key has.
    pub scope_unknown: Level,
    /// Several workloads use one key.
    pub shared: Level,
    /// A key is bound to SPIFFE ids, and no policy looks at them.
    pub spiffe_unread: Level,
    /// A key has a scope with a `*`, in an environment of `keys.production`.
    pub wildcard_scope: Level,
}

/// How many times one rule's breach is told.
const MOST: usize = 50;

/// The rules of a project for its keys, with all that they look at besides the key: to make them
/// takes as long as to check some hundred keys.
#[derive(Debug)]
pub struct KeyRules<'a> {
    project: &'a Project,
    settings: &'a Settings,
    /// All scopes that routes ask for.
    scopes: BTreeSet<&'a str>,
    identities: Identities,
    reads_spiffe_ids: bool,
}

/// What was found so far.
struct Findings {
    problems: Problems,
    /// By code: how often.
    counts: BTreeMap<&'static str, (Level, usize)>,
}

// === impl KeyRules ===

impl<'a> KeyRules<'a> {
    /// The rules of a project.
    #[must_use]
    pub fn new(project: &'a Project) -> Self {
        Self::with(project, &project.settings)
    }

    /// The rules of a project that has other settings.
    pub(crate) fn with(project: &'a Project, settings: &'a Settings) -> Self {
        let routes = project.routes.routes.iter();
        let policies = project.policies.sources().unwrap_or_default();
        Self {
            project,
            settings,
            scopes: routes.flat_map(|route| &route.scopes).map(String::as_str).collect(),
            identities: Identities::new(&project.entities),
            reads_spiffe_ids: policies
                .iter()
                .map(|policy| policy.json.to_string())
                .any(|json| json.contains("\"spiffeIds\"") || json.contains("\"peerMatches\"")),
        }
    }

    /// Whether some policy looks at the SPIFFE ids that keys are bound to.
    #[must_use]
    pub fn reads_spiffe_ids(&self) -> bool {
        self.reads_spiffe_ids
    }

    /// Checks keys alone, as they would be checked for a build.
    #[must_use]
    pub fn check(&self, keys: &[KeySpec]) -> Problems {
        let mut problems = self.lint(keys);
        let inventory = Inventory::new(keys, self.settings, &self.project.entities);
        if let Some(inventory) = problems.take(inventory) {
            problems.extend(inventory.warnings);
        }
        problems
    }

    /// Everything in keys that breaks a rule. Keys that have ended break none.
    pub(crate) fn lint(&self, keys: &[KeySpec]) -> Problems {
        let mut findings = Findings { problems: Problems::new(), counts: BTreeMap::new() };
        for key in keys.iter().filter(|key| !key.ended) {
            self.lint_key(key, &mut findings);
        }
        findings.finish()
    }

    fn lint_key(&self, key: &KeySpec, findings: &mut Findings) {
        let levels = &self.settings.lints.keys;
        if key.owner.trim().is_empty() {
            let help = "every key has an owner and a purpose";
            findings.add(levels.owner, "cedarkey::keys::owner", key, "it has no owner", help);
        } else {
            owner::check(&self.project.entities, levels, key, findings);
        }
        if key.purpose.trim().is_empty() {
            let help = "every key has an owner and a purpose";
            findings.add(levels.purpose, "cedarkey::keys::purpose", key, "it has no purpose", help);
        }
        self.lifetime(key, findings);
        self.scopes(key, findings);
        if !key.spiffe_ids.is_empty() && !self.reads_spiffe_ids {
            let message = "it is bound to SPIFFE ids, and no policy looks at `context.peerMatches`";
            let help =
                "add the guardrail `identity` of the standard library, or issue the key without";
            let code = "cedarkey::keys::spiffe-unread";
            findings.add(levels.spiffe_unread, code, key, message, help);
        }
        let workloads = self.identities.workloads(key);
        if workloads.len() > 1 {
            let names: Vec<_> = workloads.iter().map(|name| format!("`{name}`")).collect();
            let message = format!("the workloads {} share it", names.join(" and "));
            let help = "issue a key for each, so that one can be revoked without the others";
            findings.add(levels.shared, "cedarkey::keys::shared", key, &message, help);
        }
    }

    fn lifetime(&self, key: &KeySpec, findings: &mut Findings) {
        let Some(Lifetime(limit)) = self.settings.keys.max_lifetime else { return };
        let lifetime = key.expires.map(|expires| expires.duration_since(key.not_before));
        if lifetime.is_none_or(|lifetime| lifetime > limit) {
            let message = format!("it is valid for longer than {}", Lifetime(limit));
            let help = "`keys.max_lifetime` in cedarkey.toml is the longest: issue it anew, for a shorter time";
            let level = self.settings.lints.keys.lifetime;
            findings.add(level, "cedarkey::keys::lifetime", key, &message, help);
        }
    }

    fn scopes(&self, key: &KeySpec, findings: &mut Findings) {
        let levels = &self.settings.lints.keys;
        let environment = &self.settings.bundle.environment;
        let is_production = self.settings.keys.production.contains(environment);
        for scope in &key.scopes {
            if scope.contains('*') {
                if is_production {
                    let message = format!("the scope `{scope}` is a wildcard, in `{environment}`");
                    let help =
                        "name the scopes that it needs, or set `wildcard-scope` in `[lints.keys]`";
                    let code = "cedarkey::keys::wildcard-scope";
                    findings.add(levels.wildcard_scope, code, key, &message, help);
                }
            } else if !self.scopes.contains(scope.as_str()) {
                let message = format!("no route asks for the scope `{scope}`");
                let help = match scope.contains(',') {
                    true => "is each scope named by itself? they are those of routes.yaml",
                    false => "is it mistyped? the scopes are those of routes.yaml",
                };
                let code = "cedarkey::keys::scope-unknown";
                findings.add(levels.scope_unknown, code, key, &message, help);
            }
        }
    }
}

// === impl Findings ===

impl Findings {
    fn add(&mut self, level: Level, code: &'static str, key: &KeySpec, said: &str, help: &str) {
        if level == Level::Allow {
            return;
        }
        let (_, count) = self.counts.entry(code).or_insert((level, 0));
        *count = count.saturating_add(1);
        if *count <= MOST {
            let message = format!("key `{}`: {said}", key.id);
            self.problems.push(level.problem(code, message).help(help));
        }
    }

    fn finish(mut self) -> Problems {
        for (code, (level, count)) in self.counts {
            if let Some(more) = count.checked_sub(MOST).filter(|more| *more > 0) {
                let message = format!("the same is wrong {more} more times");
                self.problems.push(level.problem(code, message));
            }
        }
        self.problems
    }
}

// === impl Level ===

impl Level {
    fn problem(self, code: &'static str, message: String) -> Problem {
        let problem = Problem::error(code, message);
        if self == Self::Deny { problem } else { problem.into_warning() }
    }
}

// === impl KeyLints ===

impl KeyLints {
    /// For keys that nobody was ever issued, as in test cases.
    pub(crate) const NONE: Self = Self {
        lifetime: Level::Allow,
        network: Level::Deny,
        owner: Level::Allow,
        owner_departed: Level::Allow,
        owner_unknown: Level::Allow,
        purpose: Level::Allow,
        scope_unknown: Level::Allow,
        shared: Level::Allow,
        spiffe_unread: Level::Allow,
        wildcard_scope: Level::Allow,
    };
}

impl Default for KeyLints {
    fn default() -> Self {
        Self {
            lifetime: Level::Deny,
            network: Level::Deny,
            owner: Level::Deny,
            owner_departed: Level::Deny,
            owner_unknown: Level::Deny,
            purpose: Level::Deny,
            scope_unknown: Level::Warn,
            shared: Level::Deny,
            spiffe_unread: Level::Deny,
            wildcard_scope: Level::Deny,
        }
    }
}
