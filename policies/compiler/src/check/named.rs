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

/// Where a policy names an entity.
enum Named {
    /// In the policy, or in the template, of this id.
    Written(String),
    /// In the link of this id.
    Given(String),
}

const CODE: &str = "cedarkey::policy::unknown-entity";

/// How many names are told.
const MOST: usize = 50;

/// How many letters may be wrong in a name, for another to be meant.
const TYPOS: usize = 2;

/// The longest name that another may be meant by, in bytes: to compare two takes as long as their
/// lengths multiplied.
const LONGEST: usize = 256;

/// Warns of entities that policies name and that are not there: what is said of them never applies.
pub(crate) fn check(policies: &Policies, entities: &Entities, problems: &mut Problems) {
    let known = Known::new(entities);
    let mut missed = names(policies);
    missed.retain(|(_, uid)| known.misses(uid));
    let found = missed.iter().take(MOST).map(|(at, uid)| at.problem(policies, uid, &known));
    let mut found: Vec<_> = found.collect();
    found.sort_by_cached_key(|problem| (problem.start(), problem.to_string()));
    found.into_iter().for_each(|problem| problems.push(problem));
    if let Some(more) = missed.len().checked_sub(MOST).filter(|more| *more > 0) {
        let message = format!("policies name {more} more entities that are not there");
        problems.push(Problem::warning(CODE, message));
    }
}

/// What policies name, by policy. What a template says is there once, whatever its links are.
fn names(policies: &Policies) -> Vec<(Named, EntityUid)> {
    let mut all: Vec<_> = policies.set.policies().collect();
    all.sort_unstable_by_key(|policy| policy.id());
    let mut seen = BTreeSet::new();
    let mut names = Vec::new();
    for policy in all {
        let id = policy.template_id().unwrap_or(policy.id()).to_string();
        for uid in policy.entity_literals() {
            if seen.insert((id.clone(), uid.to_string())) {
                names.push((Named::Written(id.clone()), uid));
            }
        }
        let given = |uid| (Named::Given(policy.id().to_string()), uid);
        names.extend(arguments(policy).into_iter().map(given));
    }
    names
}

/// What a link gives its template.
fn arguments(policy: &Policy) -> Vec<EntityUid> {
    let mut arguments: Vec<_> = policy.template_links().into_iter().flatten().collect();
    arguments.sort_unstable_by_key(|(slot, _)| slot.to_string());
    arguments.into_iter().map(|(_, uid)| uid).collect()
}

// === impl Named ===

impl Named {
    fn problem(&self, policies: &Policies, uid: &EntityUid, known: &Known<'_>) -> Problem {
        let (Self::Written(id) | Self::Given(id)) = self;
        let message = format!("`{id}` names `{uid}`, and there is no such entity");
        let add = format!("add it to {}", crate::entities::FILE);
        let problem = Problem::warning(CODE, message).help(match known.meant(uid) {
            Some(meant) => format!("is `{meant}` meant? if not, {add}"),
            None => format!("is it mistyped? if not, {add}"),
        });
        match self {
            Self::Written(id) => policies.named(problem, id, uid),
            Self::Given(id) => policies.linked(problem, id),
        }
    }
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

    /// The entity of the same type whose name is most like that of this.
    fn meant(&self, uid: &EntityUid) -> Option<String> {
        let name = uid.id().unescaped();
        let others = self.entities.iter().map(Entity::uid);
        let near = others.filter_map(|other| {
            let named = other.id().unescaped();
            // A letter has at most four bytes.
            let is_like = other.type_name() == uid.type_name()
                && name.len().max(named.len()) <= LONGEST
                && name.len().abs_diff(named.len()) <= TYPOS.saturating_mul(4);
            let distance = is_like.then(|| strsim::damerau_levenshtein(named, name));
            distance.filter(|it| *it <= TYPOS).map(|it| (it, other.to_string()))
        });
        near.min().map(|(_, other)| other)
    }
}
