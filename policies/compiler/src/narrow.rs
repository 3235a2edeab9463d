//! A policy that keeps a key to what it is used for.

use crate::check::action_uid;
use crate::keys::uid;
use crate::project::Project;
use cedar_policy::{PolicySet, ValidationMode, Validator};
use cedarkey_engine::gate::KEY_TYPE;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::str::FromStr;

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
            "@id(\"narrow.{key}\")\n\
             @reason(\"the API key is kept to what it was used for\")\n\
             forbid (principal == {principal}, action, resource)\n\
             unless {{ action in [\n{list}\n] }};\n"
        );
        let set = PolicySet::from_str(&policy).ok()?;
        let valid = Validator::new(self.schema.clone()).validate(&set, ValidationMode::Strict);
        valid.validation_passed().then_some(policy)
    }
}
