//! Counting the calls that the module makes.

use std::{collections::BTreeMap, fmt};

/// How often the module called each import.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Hostcalls(BTreeMap<&'static str, u32>);

// === impl Hostcalls ===

impl Hostcalls {
    /// How often it called the import of that name, such as `proxy_get_property`.
    #[must_use]
    pub fn of(&self, name: &str) -> u32 {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// How many calls it made in all.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.0.values().sum()
    }

    /// All imports that it called, by name, and how often.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u32)> {
        self.0.iter().map(|(name, count)| (*name, *count))
    }

    pub(super) fn count(&mut self, name: &'static str) {
        let count = self.0.entry(name).or_default();
        *count = count.saturating_add(1);
    }
}

impl fmt::Debug for Hostcalls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
