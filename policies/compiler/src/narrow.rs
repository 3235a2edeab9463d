//! A policy that keeps a key to what it is used for.

use crate::check::action_uid;
use crate::keys::uid;
use crate::problem::Source;
use crate::project::Project;
use cedar_policy::{
    Authorizer, Context, Effect, EntityUid, Policy, PolicyId, PolicySet, Request,
    ResourceConstraint, ValidationMode, Validator,
};
use cedarkey_engine::gate::KEY_TYPE;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::str::FromStr;

/// The id of the policy that narrows a key.
fn id(key: &str) -> String {
    format!("narrow.{key}")
}

impl Project {
    /// A `forbid` of all that a key does but these actions. It only ever takes away, and nothing of
    /// these: beside it all other policies are what they were. Nothing, where there is no such
    /// policy that is valid in this project: the key's id is none, or an action is not in the
    /// schema.
    #[must_use]
    pub fn narrow(&self, key: &str, actions: &BTreeSet<&str>) -> Option<String> {
        let principal = uid(KEY_TYPE, key)?;
        let mut list = String::new();
        for action in actions {
            let _ = write!(
                list,
                "{}    {}",
                if list.is_empty() { "" } else { ",\n" },
                action_uid(action)?
            );
        }
        let policy = format!(
            "@id(\"{}\")\n\
             @reason(\"the API key is kept to what it was used for\")\n\
             forbid (principal == {principal}, action, resource)\n\
             unless {{ action in [\n{list}\n] }};\n",
            id(key)
        );
        let set = PolicySet::from_str(&policy).ok()?;
        let valid = Validator::new(self.schema.clone()).validate(&set, ValidationMode::Strict);
        valid.validation_passed().then_some(policy)
    }

    /// The file with the policy that narrows a key already, if the project has one.
    #[must_use]
    pub fn narrowed(&self, key: &str) -> Option<&Source> {
        self.policies.source(&id(key))
    }

    /// Whether a file of the project has other policies or templates than the one that narrows a key.
    #[must_use]
    pub fn has_others(&self, file: &Source, key: &str) -> bool {
        let set = &self.policies.set;
        let policies = set.policies().map(|policy| policy.id().to_string());
        let mut ids = policies.chain(set.templates().map(|template| template.id().to_string()));
        let is_there =
            |id: &str| self.policies.source(id).is_some_and(|other| other.name() == file.name());
        ids.any(|other| other != id(key) && is_there(&other))
    }

    /// Those of some actions that the policy forbids which narrows a key. Nothing, where it is one
    /// that somebody has written anew: what depends on more than the action forbids no action as such.
    #[must_use]
    pub fn narrowed_from<'a>(&self, key: &str, actions: &BTreeSet<&'a str>) -> BTreeSet<&'a str> {
        let policy = self.policies.set.policy(&PolicyId::new(id(key)));
        let policy = policy.filter(|policy| is_of_action_alone(policy));
        let alone = policy.and_then(|policy| PolicySet::from_policies([policy.clone()]).ok());
        let (Some(alone), Some(principal)) = (alone, uid(KEY_TYPE, key)) else {
            return BTreeSet::new();
        };
        let forbids = |action: EntityUid| {
            // Any resource does.
            let resource = principal.clone();
            let request = Request::new(principal.clone(), action, resource, Context::empty(), None);
            let answer = request
                .map(|request| Authorizer::new().is_authorized(&request, &alone, &self.entities));
            answer.is_ok_and(|answer| answer.diagnostics().reason().next().is_some())
        };
        actions.iter().copied().filter(|action| action_uid(action).is_some_and(forbids)).collect()
    }
}

/// Whether a policy forbids actions by what they are, and by nothing else but the principal.
fn is_of_action_alone(policy: &Policy) -> bool {
    let json = policy.to_json().ok();
    let conditions = json.as_ref().and_then(|json| json.get("conditions")).map(ToString::to_string);
    let Some(conditions) = conditions else { return false };
    let reads = |variable: &str| conditions.contains(&format!(r#"{{"Var":"{variable}"}}"#));
    policy.effect() == Effect::Forbid
        && policy.resource_constraint() == ResourceConstraint::Any
        && !["context", "principal", "resource"].into_iter().any(reads)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const KEY: &str = "01J00000000000000000000001";

    /// The quickstart with another policy.
    fn with(policy: &str) -> Project {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/quickstart");
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("policies")).unwrap();
        let files = ["cedarkey.toml", "schema.cedarschema", "routes.yaml", "entities.json"];
        for file in files {
            std::fs::copy(example.join(file), folder.path().join(file)).unwrap();
        }
        std::fs::write(folder.path().join("policies/narrow.cedar"), policy).unwrap();
        Project::load(folder.path()).unwrap()
    }

    #[test]
    fn what_it_writes_it_understands() {
        let all = BTreeSet::from(["orders.read", "orders.write"]);
        let used = BTreeSet::from(["orders.read"]);
        let policy = with("@id(\"x\") permit (principal, action, resource);").narrow(KEY, &used);
        let policy = policy.unwrap();
        let project = with(&policy);
        assert_eq!(project.narrowed_from(KEY, &all), BTreeSet::from(["orders.write"]));
        assert_eq!(project.narrowed(KEY).unwrap().name(), "policies/narrow.cedar");
        let other = "01J00000000000000000000002";
        assert_eq!(project.narrowed_from(other, &all), BTreeSet::new());
        assert!(project.narrowed(other).is_none());
        // What somebody has made of it depends on more.
        for (from, to) in [
            ("\n] };", "\n] || context.method == \"GET\" };"),
            ("resource)", "resource == cedarkey::Endpoint::\"/v1/orders\")"),
            ("forbid", "permit"),
            ("\n] };", "\n] || resource has owner };"),
        ] {
            let changed = policy.replacen(from, to, 1);
            assert_ne!(changed, policy);
            assert_eq!(with(&changed).narrowed_from(KEY, &all), BTreeSet::new(), "{changed}");
        }
    }
}
