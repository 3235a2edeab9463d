//! Why a request was decided as it was, for people and for scripts.

use crate::output::{DIM, Output};
use cedarkey_compiler::Source;
use cedarkey_compiler::explain::{Considered, Remark, Standing};
use cedarkey_engine::gate::Cause;
use cedarkey_engine::model::Effect;
use serde_json::{Map, Value, json};
use std::io::Write;

/// What decided first: forbids that applied, then those that could have, then permits, the nearest
/// to applying first, and last forbids that did not apply.
pub fn sort(considered: &mut [Considered]) {
    considered.sort_by_key(|it| {
        let rank = match (it.effect, &it.standing) {
            (Effect::Forbid, Standing::Applied(_)) => 0,
            (Effect::Forbid, Standing::Failed(_)) => 1,
            (Effect::Permit, Standing::Applied(_)) => 2,
            (Effect::Permit, Standing::Failed(_) | Standing::Unmet(_)) => 3,
            (Effect::Forbid, Standing::Unmet(_)) => 4,
        };
        (rank, it.unmet)
    });
}

/// Tells what policies had to say, given the cause of a denial. Of a request that was denied nobody
/// asks why more forbids did not apply, so these are only named.
pub fn tell(cause: Option<&str>, considered: &[Considered], output: &Output, out: &mut dyn Write) {
    let no_permit = considered.iter().all(|it| it.effect == Effect::Forbid);
    if cause == Some(Cause::NoPermit.label()) && no_permit {
        let _ = writeln!(out, "  no permit's scope matched the key, the action and the endpoint");
    }
    let is_idle = |it: &&Considered| {
        cause.is_some() && it.effect == Effect::Forbid && matches!(it.standing, Standing::Unmet(_))
    };
    let (idle, told): (Vec<_>, Vec<_>) = considered.iter().partition(is_idle);
    for considered in told {
        let _ = write!(out, "\n{}\n", output.rendered(&considered.report()));
    }
    if !idle.is_empty() {
        let ids: Vec<_> = idle.iter().map(|it| format!("`{}`", it.id)).collect();
        let ids = ids.join(", ");
        let _ = writeln!(out, "\n  {DIM}forbids that did not apply:{DIM:#} {ids}");
    }
}

/// A policy whose scope matched, for scripts.
pub fn view(considered: &Considered) -> Value {
    let effect = considered.effect.word();
    let standing = match considered.standing {
        Standing::Applied(_) => "applied",
        Standing::Failed(_) => "failed",
        Standing::Unmet(_) => "unmet",
    };
    let source = considered.source.as_ref();
    let part = |remark: &Remark| {
        let text = source
            .zip(remark.place)
            .and_then(|(source, (start, len))| source.text().get(start..start.checked_add(len)?));
        let offset = remark.place.map(|(start, _)| start);
        let values = remark.values.iter().map(|(name, value)| (name.clone(), value.clone().into()));
        let values: Map<_, Value> = values.collect();
        json!({ "because": remark.because, "text": text, "offset": offset, "values": values })
    };
    let parts: Vec<_> = match &considered.standing {
        Standing::Applied(remarks) => remarks.iter().map(part).collect(),
        Standing::Failed(_) | Standing::Unmet(_) => Vec::new(),
    };
    json!({
        "policy": considered.id, "effect": effect, "standing": standing,
        "file": source.map(Source::name), "obstacle": considered.obstacle().map(part),
        "parts": parts,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_decided_comes_first_and_then_what_nearly_did() {
        let remark = Remark { place: None, because: "this is false".into(), values: Vec::new() };
        let (applied, failed) = (Standing::Applied(Vec::new()), Standing::Failed(remark.clone()));
        let unmet = Standing::Unmet(remark);
        let mut considered: Vec<_> = [
            ("idle", Effect::Forbid, &unmet, 1),
            ("far", Effect::Permit, &unmet, 3),
            ("in vain", Effect::Permit, &applied, 0),
            ("near", Effect::Permit, &unmet, 1),
            ("broken", Effect::Forbid, &failed, 1),
            ("decisive", Effect::Forbid, &applied, 0),
        ]
        .into_iter()
        .map(|(id, effect, standing, unmet)| Considered {
            id: id.into(),
            effect,
            standing: standing.clone(),
            unmet,
            source: None,
        })
        .collect();
        sort(&mut considered);
        let ids: Vec<_> = considered.iter().map(|it| it.id.as_str()).collect();
        assert_eq!(ids, ["decisive", "broken", "in vain", "near", "far", "idle"]);
    }
}
