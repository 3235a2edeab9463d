//! What is looked for in a key.

use super::again::Again;
use super::finding::{Finding, Rule};
use super::granted::Granted;
use super::{is_live, lints};
use crate::commands::keys::day;
use crate::shell::quoted;
use crate::time::spoken;
use crate::usage::{KeyUsage, Usage};
use cedarkey_compiler::{KeyRules, Project};
use cedarkey_registry::{Key, State, Status};
use jiff::{SignedDuration, Timestamp};

/// How much of what is too much.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// A key may be without use for so long.
    pub unused: SignedDuration,
    /// A secret may be so old.
    pub max_age: SignedDuration,
    /// So long before its end there is time to replace a key.
    pub expires_within: SignedDuration,
    /// A key may be used from so many networks.
    pub networks: usize,
    /// A key has to be watched for so long before what it did not do says something.
    pub watched: SignedDuration,
    /// For so long it is told that somebody has tried a decoy, or a key that was revoked.
    pub tried: SignedDuration,
}

/// What is looked for, and all that is looked at besides the key.
#[derive(Debug)]
pub struct Rules<'a> {
    project: &'a Project,
    lints: KeyRules<'a>,
    usage: Option<&'a Usage>,
    again: &'a Again,
    limits: Limits,
}

/// What was found of a key.
struct Found<'a> {
    key: &'a Key,
    findings: Vec<Finding>,
}

// === impl Rules ===

impl<'a> Rules<'a> {
    /// For a project, and what is known of the use of its keys.
    pub fn new(
        project: &'a Project,
        usage: Option<&'a Usage>,
        again: &'a Again,
        limits: Limits,
    ) -> Self {
        Self { project, lints: KeyRules::new(project), usage, again, limits }
    }

    /// What is wrong with a key at an instant. What it was granted is needed where usage is known.
    pub fn check(&self, key: &Key, granted: Option<&Granted>, now: Timestamp) -> Vec<Finding> {
        let mut found = Found { key, findings: Vec::new() };
        let status = key.status(now);
        self.leak(now, &mut found);
        if is_live(status) {
            for (code, message) in lints(&self.lints, key, now) {
                self.lint(code, message, &mut found);
            }
            self.reach(&mut found);
            self.age(status, now, &mut found);
            if key.decoy {
                self.lure(now, &mut found);
            } else if let Some(usage) =
                self.usage.filter(|_| !matches!(status, Status::Upcoming | Status::Suspended))
            {
                self.use_of(usage, granted, now, &mut found);
            }
        }
        found.findings
    }

    fn leak(&self, now: Timestamp, found: &mut Found<'_>) {
        let Key { state, reason, .. } = found.key;
        let reason = reason.as_deref().filter(|reason| reason.starts_with("leaked"));
        let Some(reason) = reason else { return };
        let id = found.key.id.clone();
        match state {
            State::Suspended => {
                let command = format!("cedarkey keys revoke {id} --reason '{LEAKED}'");
                found.add(Rule::Leaked, format!("it is only suspended: {reason}"), command);
            }
            State::Revoked => {
                let tried = self.tried(&id, "key_revoked", now);
                if let Some(tried) = tried.filter(|tried| *tried >= found.key.since) {
                    let at = day(Some(tried));
                    let message = format!("somebody still tries it, last on {at}: {reason}");
                    found.add(Rule::Leaked, message, format!("cedarkey usage {id}"));
                }
            }
            State::Active | State::Denied | State::Pending | State::Retired => {}
        }
    }

    /// What the compiler says, which the project's `[lints.keys]` may have allowed.
    fn lint(&self, code: &str, message: String, found: &mut Found<'_>) {
        let id = &found.key.id;
        let (rule, command) = match code {
            "owner" | "owner-unknown" | "owner-departed" => {
                (Rule::Orphaned, format!("cedarkey keys transfer {id} --to OWNER"))
            }
            "shared" => (Rule::Shared, issue(found.key)),
            "environment" => {
                let command =
                    format!("cedarkey keys revoke {id} --reason 'of another environment'");
                (Rule::CrossEnvironment, command)
            }
            "lifetime" => (Rule::LongLived, rotate(id, " --expires 90d")),
            _ => return,
        };
        found.add(rule, message, command);
    }

    /// What it may be used for, and where.
    fn reach(&self, found: &mut Found<'_>) {
        let key = found.key;
        let wild: Vec<_> = key.scopes.iter().filter(|scope| scope.contains('*')).collect();
        if let Some(scope) = wild.first() {
            let message = format!("the scope `{scope}` stands for whatever there will be");
            found.add(Rule::WildcardScope, message, without(&key.id, &wild));
        }
        let environment = key.workload.as_ref().and_then(|id| self.project.environment_of(id));
        if let Some(other) = environment.filter(|other| *other != key.environment) {
            let workload = key.workload.clone().unwrap_or_default();
            let own = &key.environment;
            let message = format!("it is for `{own}`, and its workload `{workload}` of `{other}`");
            found.add(Rule::CrossEnvironment, message, issue(key));
        }
    }

    /// How long it lives.
    fn age(&self, status: Status, now: Timestamp, found: &mut Found<'_>) {
        let key = found.key;
        let known = found.findings.iter().any(|finding| finding.rule == Rule::LongLived);
        if key.expires.is_none() && !known {
            let command = rotate(&key.id, " --expires 90d");
            found.add(Rule::LongLived, "it never expires".into(), command);
        }
        let age = now.duration_since(key.created);
        if age > self.limits.max_age && status != Status::Rotating {
            let message = format!("its secret is {} old", spoken(age));
            found.add(Rule::NotRotated, message, rotate(&key.id, ""));
        }
        if let Some(ends) = key.expires.filter(|_| status == Status::Active)
            && ends.duration_since(now) <= self.limits.expires_within
        {
            let message = format!("it ends on {}", day(Some(ends)));
            found.add(Rule::ExpiresSoon, message, rotate(&key.id, ""));
        }
        if let Some(due) = key.review_by.filter(|due| *due <= now) {
            let message = format!("its review was due on {}", day(Some(due)));
            let command = format!("cedarkey keys amend {} --review-by 90d", key.id);
            found.add(Rule::ReviewOverdue, message, command);
        }
    }

    /// A decoy is there not to be used, and may nothing.
    fn lure(&self, now: Timestamp, found: &mut Found<'_>) {
        let id = found.key.id.clone();
        if let Some(tried) = self.tried(&id, "decoy_key", now) {
            let message = format!("somebody has used it, last on {}", day(Some(tried)));
            found.add(Rule::DecoyUsed, message, format!("cedarkey usage {id}"));
        }
    }

    fn use_of(
        &self,
        usage: &Usage,
        granted: Option<&Granted>,
        now: Timestamp,
        found: &mut Found<'_>,
    ) {
        let key = found.key;
        let id = &key.id;
        let last = usage.last_used(id);
        // Before there was a count nobody has counted, nor after it was last looked at.
        let idle = match last {
            Some(last) => usage.seen(now).duration_since(last),
            None => usage.watched(key.created.max(key.not_before), now),
        };
        if idle > self.limits.unused {
            let idle = spoken(idle);
            let (rule, message) = match last {
                Some(_) => (Rule::Unused, format!("it was not used for {idle}")),
                None => (Rule::NeverUsed, format!("it was never used, in {idle}")),
            };
            found.add(rule, message, format!("cedarkey keys suspend {id} --reason 'not in use'"));
        }
        if let Some(granted) = granted {
            self.overprivileged(granted, found);
        }
        let networks = self.usage_of(id).map_or(0, |usage| usage.networks.len());
        if networks > self.limits.networks {
            let message = format!("it is used from {networks} networks or more");
            found.add(Rule::Shared, message, format!("cedarkey usage {id}"));
        }
    }

    /// Whether it may do what it never does.
    fn overprivileged(&self, granted: &Granted, found: &mut Found<'_>) {
        let Granted { key, unused_scopes, unused_actions, policy, narrowed, .. } = granted;
        let narrow = policy.as_ref().map(|_| self.again.narrow(self.project, key));
        // What scopes give and a policy forbids is forbidden.
        if !unused_scopes.is_empty() && !narrowed {
            let scopes = unused_scopes.join("`, `");
            let message = format!("nothing that it does needs `{scopes}`");
            let command = narrow.unwrap_or_else(|| without(key, unused_scopes));
            found.add(Rule::Overprivileged, message, command);
        } else if let Some(narrow) = narrow {
            let actions = unused_actions.join("`, `");
            found.add(Rule::Overprivileged, format!("it never does `{actions}`"), narrow);
        }
    }

    /// When somebody last tried a key and was refused for this cause, unless that is long ago: what was
    /// answered is no finding for ever.
    fn tried(&self, id: &str, cause: &str, now: Timestamp) -> Option<Timestamp> {
        let last = self.usage_of(id)?.causes.get(cause)?.last;
        let seen = self.usage?.seen(now);
        (seen.duration_since(last) <= self.limits.tried).then_some(last)
    }

    fn usage_of(&self, id: &str) -> Option<&KeyUsage> {
        self.usage.and_then(|usage| usage.of(id))
    }
}

const LEAKED: &str = "leaked";

/// What takes scopes from a key.
fn without(id: &str, scopes: &[impl AsRef<str>]) -> String {
    let scopes = scopes.iter().map(|scope| format!(" --drop-scope {}", quoted(scope.as_ref())));
    format!("cedarkey keys amend {id}{}", scopes.collect::<String>())
}

fn rotate(id: &str, options: &str) -> String {
    format!("cedarkey keys rotate {id} --overlap 7d{options}")
}

fn issue(key: &Key) -> String {
    let (owner, purpose) = (quoted(&key.owner), quoted(&key.purpose));
    format!("cedarkey keys issue --owner {owner} --purpose {purpose} --workload WORKLOAD")
}

// === impl Found ===

impl Found<'_> {
    fn add(&mut self, rule: Rule, message: String, command: String) {
        let Key { id, name, owner, .. } = self.key;
        if self.findings.iter().any(|finding| finding.rule == rule) {
            return;
        }
        self.findings.push(Finding {
            id: format!("{}:{id}", rule.word()),
            rule,
            level: rule.level(),
            key: id.clone(),
            name: name.clone(),
            owner: owner.clone(),
            message,
            command,
            owasp: rule.owasp(),
            nist: rule.nist(),
        });
    }
}
