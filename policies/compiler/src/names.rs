//! Interning of names and entity uids.
//!
//! The model's tables are ascending by text, and everything refers to them by index. So names are
//! collected in a first pass over the input, whose other results are thrown away; then they are
//! numbered; and a second pass over the same input finds each name's number.

use cedarkey_engine::value::{Sym, Uid};
use std::collections::{BTreeMap, BTreeSet};

/// Names and entity uids.
#[derive(Debug)]
pub struct Names(State);

#[derive(Debug)]
enum State {
    /// The first pass: every number given is meaningless.
    Collecting { syms: BTreeSet<String>, uids: BTreeSet<(String, String)> },
    /// The second pass.
    Numbered { syms: BTreeMap<String, u32>, uids: BTreeMap<(String, String), u32> },
}

// === impl Names ===

impl Names {
    /// For the first pass.
    pub fn collecting() -> Self {
        Self(State::Collecting { syms: BTreeSet::new(), uids: BTreeSet::new() })
    }

    /// For the second pass, with what the first has collected.
    pub fn number(self) -> Self {
        match self.0 {
            State::Collecting { syms, uids } => {
                Self(State::Numbered { syms: numbered(syms), uids: numbered(uids) })
            }
            numbered => Self(numbered),
        }
    }

    /// The number of a name.
    pub fn sym(&mut self, name: &str) -> Sym {
        match &mut self.0 {
            State::Collecting { syms, .. } => {
                if !syms.contains(name) {
                    syms.insert(name.into());
                }
                Sym(0)
            }
            // The second pass asks for nothing that the first did not.
            State::Numbered { syms, .. } => Sym(syms.get(name).copied().unwrap_or_default()),
        }
    }

    /// The number of an entity uid.
    pub fn uid(&mut self, kind: &str, id: &str) -> Uid {
        self.sym(kind);
        let key = (String::from(kind), String::from(id));
        match &mut self.0 {
            State::Collecting { uids, .. } => {
                uids.insert(key);
                Uid(0)
            }
            State::Numbered { uids, .. } => Uid(uids.get(&key).copied().unwrap_or_default()),
        }
    }

    /// All names, by number.
    pub fn syms(&self) -> Vec<&str> {
        match &self.0 {
            State::Collecting { syms, .. } => syms.iter().map(String::as_str).collect(),
            State::Numbered { syms, .. } => syms.keys().map(String::as_str).collect(),
        }
    }

    /// All uids, by number: type and id.
    pub fn uids(&self) -> Vec<(&str, &str)> {
        fn both((kind, id): &(String, String)) -> (&str, &str) {
            (kind, id)
        }
        match &self.0 {
            State::Collecting { uids, .. } => uids.iter().map(both).collect(),
            State::Numbered { uids, .. } => uids.keys().map(both).collect(),
        }
    }
}

/// Numbers elements in their order, which is that of the model's tables: types by text, so that
/// uids ascending by type and id are ascending by the type's number and id.
fn numbered<T: Ord>(set: BTreeSet<T>) -> BTreeMap<T, u32> {
    set.into_iter().zip(0..).collect()
}
