//! Whether a key's owner is there, and still is.

use super::{Findings, KeyLints};
use crate::keys::{KeySpec, uid};
use cedar_policy::{Entities, EvalResult};

/// `team:payments` is `Team::"payments"`; whatever else is a `Person`, as in
/// `Person::"alice@example.com"`.
fn entity(owner: &str) -> (&'static str, &str) {
    match owner.split_once(':') {
        Some(("team", id)) => ("Team", id),
        Some(("person", id)) => ("Person", id),
        _ => ("Person", owner),
    }
}

pub(super) fn check(
    entities: &Entities,
    levels: &KeyLints,
    key: &KeySpec,
    findings: &mut Findings,
) {
    let owner = &key.owner;
    let (kind, id) = entity(owner);
    let known = uid(kind, id).and_then(|uid| entities.get(&uid));
    let Some(known) = known else {
        let message = format!("its owner `{owner}` is not known: there is no {kind} `{id}`");
        let help = "add it to entities.json, or give the key another owner";
        let code = "cedarkey::keys::owner-unknown";
        return findings.add(levels.owner_unknown, code, key, &message, help);
    };
    if matches!(known.attr("departed"), Some(Ok(EvalResult::Bool(true)))) {
        let message = format!("its owner `{owner}` has departed");
        let help = "give it to somebody with `cedarkey keys transfer`, or revoke it";
        let code = "cedarkey::keys::owner-departed";
        findings.add(levels.owner_departed, code, key, &message, help);
    }
}
