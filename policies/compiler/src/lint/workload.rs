//! Which workloads use a key.

use crate::keys::{KeySpec, uid};
use crate::mint::workload::{text, workloads};
use crate::project::Project;
use cedar_policy::Entities;
use std::collections::{BTreeMap, BTreeSet};

/// The workloads of `entities.json` by their SPIFFE id.
#[derive(Debug)]
pub(super) struct Identities(BTreeMap<String, String>);

impl Project {
    /// The environment of a workload, by its id, if its entity says so.
    #[must_use]
    pub fn environment_of(&self, workload: &str) -> Option<String> {
        let entity = self.entities.get(&uid("Workload", workload)?)?;
        text(entity, "environment")
    }
}

// === impl Identities ===

impl Identities {
    pub(super) fn new(entities: &Entities) -> Self {
        let workloads = workloads(entities);
        Self(workloads.map(|(id, it)| (id, it.uid().id().unescaped().to_owned())).collect())
    }

    /// The one that the key is for, and those that its SPIFFE ids belong to.
    pub(super) fn workloads<'a>(&'a self, key: &'a KeySpec) -> BTreeSet<&'a str> {
        let named = key.workload.iter();
        let bound = key.spiffe_ids.iter().filter_map(|id| self.0.get(id));
        named.chain(bound).map(String::as_str).collect()
    }
}
