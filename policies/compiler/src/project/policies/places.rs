//! Where policies stand in their file, which Cedar does not tell.

use cedar_policy::PolicySet;
use std::collections::BTreeMap;

/// Where each policy of a file stands, in the order of the file, with its number there.
pub fn of(text: &str, set: &PolicySet) -> BTreeMap<usize, (usize, usize)> {
    // Cedar names policies and templates by their number, and keeps their text as it was written.
    let policies = set
        .policies()
        .map(|policy| (policy.id().to_string(), policy.to_cedar().unwrap_or_default()));
    let templates =
        set.templates().map(|template| (template.id().to_string(), template.to_cedar()));
    let numbered: BTreeMap<usize, String> =
        policies.chain(templates).filter_map(|(id, text)| Some((number(&id)?, text))).collect();
    let mut from = 0_usize;
    let mut places = BTreeMap::new();
    for (number, policy) in numbered {
        let Some(at) = text.get(from..).and_then(|rest| rest.find(&policy)) else { continue };
        let start = from.saturating_add(at);
        places.insert(number, (start, policy.len()));
        from = start.saturating_add(policy.len());
    }
    places
}

/// The number in `policy7`.
pub fn number(id: &str) -> Option<usize> {
    id.strip_prefix("policy")?.parse().ok()
}
