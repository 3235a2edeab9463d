//! Whether the entities are there that policies name.

use crate::problem::{Problem, Problems};
use crate::project::Policies;
use cedar_policy::{Entities, Entity, EntityTypeName, EntityUid, Policy};
use std::collections::BTreeSet;

/// The entities that there are.
struct Known<'a> {
    entities: &'a Entities,
    /// Their types. Of others, such as keys, there are no entities in a project.
    kinds: BTreeSet<EntityTypeName>,
}

/// How many letters may be wrong in a name, for another to be meant.
const TYPOS: usize = 2;

/// Warns of entities that policies name and that are not there: what is said of them never applies.
pub(crate) fn check(policies: &Policies, entities: &Entities, problems: &mut Problems) {
    let known = Known::new(entities);
    let mut all: Vec<_> = policies.set.policies().collect();
    all.sort_unstable_by_key(|policy| policy.id());
    // What a template says, each of its links says.
    let mut told = BTreeSet::new();
    for policy in all {
        let id = policy.template_id().unwrap_or(policy.id()).to_string();
        let mut missed = policy.entity_literals();
        missed.retain(|uid| known.misses(uid) && told.insert((id.clone(), uid.to_string())));
        let found = missed.iter().map(|uid| policies.named(known.problem(&id, uid), &id, uid));
        let mut found: Vec<_> = found.collect();
        found.sort_by_key(Problem::start);
        found.into_iter().for_each(|problem| problems.push(problem));
        for uid in arguments(policy).iter().filter(|uid| known.misses(uid)) {
            let id = policy.id().to_string();
            problems.push(policies.linked(known.problem(&id, uid), &id));
        }
    }
}

/// What a link gives its template.
fn arguments(policy: &Policy) -> Vec<EntityUid> {
    let mut arguments: Vec<_> = policy.template_links().into_iter().flatten().collect();
    arguments.sort_unstable_by_key(|(slot, _)| slot.to_string());
    arguments.into_iter().map(|(_, uid)| uid).collect()
}

// === impl Known ===

impl<'a> Known<'a> {
    fn new(entities: &'a Entities) -> Self {
        let kinds = entities.iter().map(|entity| entity.uid().type_name().clone());
        // The validator knows which actions there are.
        let kinds = kinds.filter(|kind| kind.basename() != "Action").collect();
        Self { entities, kinds }
    }

    fn misses(&self, uid: &EntityUid) -> bool {
        self.kinds.contains(uid.type_name()) && self.entities.get(uid).is_none()
    }

    fn problem(&self, id: &str, uid: &EntityUid) -> Problem {
        let message = format!("`{id}` names `{uid}`, and there is no such entity");
        let problem = Problem::warning("cedarkey::policy::unknown-entity", message);
        let add = format!("add it to {}", crate::entities::FILE);
        problem.help(match self.meant(uid) {
            Some(meant) => format!("is `{meant}` meant? if not, {add}"),
            None => format!("is it mistyped? if not, {add}"),
        })
    }

    /// The entity of the same type whose name is most like that of this.
    fn meant(&self, uid: &EntityUid) -> Option<String> {
        let others = self.entities.iter().map(Entity::uid);
        let others = others.filter(|other| other.type_name() == uid.type_name());
        let distance = |other: &EntityUid| {
            strsim::damerau_levenshtein(other.id().unescaped(), uid.id().unescaped())
        };
        let near = others.map(|other| (distance(&other), other.to_string()));
        near.filter(|(distance, _)| *distance <= TYPOS).min().map(|(_, other)| other)
    }
}
