//! What a key may do, and what it does.

use crate::usage::Usage;
use cedarkey_compiler::Project;
use cedarkey_registry::Key;
use serde::Serialize;
use std::collections::BTreeSet;

/// What a key may do by its scopes, and what it was used for. Policies may grant less.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Granted {
    /// The key's id.
    pub key: String,
    /// Its scopes.
    pub scopes: Vec<String>,
    /// Those of them that what it was used for needs; absent where usage is not known.
    pub used_scopes: Option<Vec<String>>,
    /// Those that it could do without; empty where that cannot be told, as it was not watched for long
    /// enough or did what was not told apart.
    pub unused_scopes: Vec<String>,
    /// The actions whose routes ask for no other scopes than it has, without those that a policy
    /// forbids which narrows it already.
    pub actions: Vec<String>,
    /// Whether there is such a policy.
    pub narrowed: bool,
    /// The actions that it was used for; absent where usage is not known.
    pub used_actions: Option<Vec<String>>,
    /// The others; empty where that cannot be told.
    pub unused_actions: Vec<String>,
    /// A Cedar policy that keeps it to the actions that it was used for.
    pub policy: Option<String>,
}

// === impl Granted ===

impl Granted {
    /// What is known of a key; `watched` is whether it was for so long that what it did not do says
    /// something.
    pub fn new(project: &Project, key: &Key, usage: Option<&Usage>, watched: bool) -> Self {
        let has = |scopes: &[String]| scopes.iter().all(|scope| key.scopes.contains(scope));
        let within = || project.routes.routes.iter().filter(|route| has(&route.scopes));
        let granted: BTreeSet<&str> = within().map(|route| route.action.as_str()).collect();
        let forbidden = project.narrowed_from(&key.id, &granted);
        let actions: BTreeSet<&str> = granted.difference(&forbidden).copied().collect();
        let known = usage.and_then(|usage| usage.of(&key.id));
        let used: BTreeSet<&str> =
            known.iter().flat_map(|known| known.actions.keys()).map(String::as_str).collect();
        // Of a key without use it says more that it has none. Where some actions were counted as
        // others it is not known which they were; and what routes do not let it do any more was
        // another time.
        let is_clear = watched && !used.is_empty() && used.is_subset(&granted);
        let needed: BTreeSet<&str> = within()
            .filter(|route| used.contains(route.action.as_str()))
            .flat_map(|route| &route.scopes)
            .map(String::as_str)
            .collect();
        let unused_scopes =
            key.scopes.iter().filter(|it| is_clear && !needed.contains(it.as_str()));
        let unused: Vec<&str> = actions.difference(&used).copied().filter(|_| is_clear).collect();
        // What is forbidden already stays so.
        let kept: BTreeSet<&str> = used.intersection(&actions).copied().collect();
        let policy = (!unused.is_empty()).then(|| project.narrow(&key.id, &kept)).flatten();
        let owned = |names: BTreeSet<&str>| names.into_iter().map(String::from).collect();
        Self {
            key: key.id.clone(),
            scopes: key.scopes.clone(),
            unused_scopes: unused_scopes.cloned().collect(),
            unused_actions: unused.into_iter().map(String::from).collect(),
            used_scopes: usage.map(|_| owned(needed)),
            used_actions: usage.map(|_| owned(used)),
            actions: owned(actions),
            narrowed: !forbidden.is_empty(),
            policy,
        }
    }
}
