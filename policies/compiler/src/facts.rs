//! The facts that a request's context is made of, as the project's schema declares them.
//!
//! The context type of the schema is the declaration: what it does not name does not enter the
//! context, and what it names must be something that a request has.

mod schema;

pub use schema::FactError;

use crate::names::Names;
use cedarkey_engine::model::{FactImage, FactSource};
use std::collections::BTreeMap;

/// The facts of a model, in the order of their bits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    facts: BTreeMap<Path, FactSource>,
}

/// The place of a fact in the context: the attribute of the context, and the attribute of that if
/// it is a group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path {
    top: String,
    member: Option<String>,
}

// === impl Plan ===

impl Plan {
    /// No facts: the caller brings its own context.
    pub fn none() -> Self {
        Self::default()
    }

    /// The number of facts.
    pub fn len(&self) -> usize {
        self.facts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty()
    }

    /// The facts: the attribute of the context, its member if it is a group, and the source.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>, &FactSource)> {
        self.facts.iter().map(|(path, source)| (path.top.as_str(), path.member.as_deref(), source))
    }

    /// The names of the members of a group.
    pub fn members(&self, group: &str) -> impl Iterator<Item = &str> {
        let of_group = move |path: &&Path| path.top == group;
        self.facts.keys().filter(of_group).filter_map(|path| path.member.as_deref())
    }

    /// The facts that are needed to read the attributes on a path from the context.
    pub fn under(&self, path: &[&str]) -> u128 {
        let needed = self.facts.keys().map(|fact| fact.meets(path));
        needed.zip(0..).fold(0, |bits, (needed, at)| bits | (u128::from(needed) << at))
    }

    /// The facts as they lie in a model.
    pub fn image(&self, names: &mut Names) -> Vec<FactImage> {
        let facts = self.facts.iter().map(|(path, source)| {
            let top = names.sym(&path.top);
            let source = source.clone();
            match &path.member {
                Some(member) => FactImage { group: Some(top), name: names.sym(member), source },
                None => FactImage { group: None, name: top, source },
            }
        });
        facts.collect()
    }
}

// === impl Path ===

impl Path {
    /// Whether one path leads through the other.
    fn meets(&self, path: &[&str]) -> bool {
        let own = std::iter::once(&self.top).chain(&self.member);
        own.zip(path).all(|(own, other)| own == other)
    }
}
