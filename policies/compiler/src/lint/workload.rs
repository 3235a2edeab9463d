//! Which workloads use a key.

use crate::keys::{KeySpec, uid};
use crate::project::Project;
use cedar_policy::{Entities, EvalResult};
use std::collections::{BTreeMap, BTreeSet};

/// The workloads of `entities.json` by their SPIFFE id.
#[derive(Debug)]
pub(super) struct Identities(BTreeMap<String, String>);

impl Project {
    /// The environment of a workload, by its id, if its entity says so.
    #[must_use]
    pub fn environment_of(&self, workload: &str) -> Option<String> {
        let entity = self.entities.get(&uid("Workload", workload)?)?;
        match entity.attr("environment") {
            Some(Ok(EvalResult::String(environment))) => Some(environment),
            _ => None,
        }
    }
}

// === impl Identities ===

impl Identities {
    pub(super) fn new(entities: &Entities) -> Self {
        let workloads = entities.iter().filter_map(|entity| {
            let uid = entity.uid();
            match entity.attr("spiffeId") {
                Some(Ok(EvalResult::String(spiffe)))
                    if uid.type_name().to_string() == "Workload" =>
                {
                    Some((spiffe, uid.id().unescaped().to_owned()))
                }
                _ => None,
            }
        });
        Self(workloads.collect())
    }

    /// The one that the key is for, and those that its SPIFFE ids belong to.
    pub(super) fn workloads<'a>(&'a self, key: &'a KeySpec) -> BTreeSet<&'a str> {
        let named = key.workload.iter();
        let bound = key.spiffe_ids.iter().filter_map(|id| self.0.get(id));
        named.chain(bound).map(String::as_str).collect()
    }
}
