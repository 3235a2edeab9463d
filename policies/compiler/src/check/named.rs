//! Whether the entities are there that policies, and entities, name.

use crate::problem::{Problem, Problems, Source};
use crate::project::Policies;
use cedar_policy::{Entities, EntityTypeName, EntityUid, Policy, SchemaFragment};
use cedarkey_engine::gate::KEY_TYPE;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// The entities that there are.
pub(crate) struct Known {
    /// By type. Parents are there too, be they no entities of their own: what is said of them applies.
    entities: BTreeMap<EntityTypeName, BTreeSet<EntityUid>>,
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
const MOST: usize = 20;

/// How many letters may be wrong in a name, for another to be meant.
const TYPOS: usize = 2;

/// The longest name that another may be meant by, in bytes: to compare two takes as long as their
/// lengths multiplied.
const LONGEST: usize = 64;

/// Warns of entities that policies name and that are not there: what is said of them never applies.
pub(crate) fn check(policies: &Policies, known: &Known, problems: &mut Problems) {
    let mut missed = names(policies);
    missed.retain(|(_, uid)| known.misses(uid));
    let found = missed.iter().take(MOST).map(|(at, uid)| at.problem(policies, uid, known));
    let mut found: Vec<_> = found.collect();
    found.sort_by_cached_key(|problem| (problem.start(), problem.to_string()));
    found.into_iter().for_each(|problem| problems.push(problem));
    if let Some(more) = missed.len().checked_sub(MOST).filter(|more| *more > 0) {
        let message = format!("policies name {more} more entities that are not there");
        problems.push(Problem::warning(CODE, message));
    }
}

/// Warns of parents of entities that are no entities themselves: what is said of the one that was
/// meant does not apply.
pub(crate) fn check_parents(entities: &Entities, known: &Known, problems: &mut Problems) {
    let mut missed = BTreeMap::new();
    for entity in entities.iter() {
        let uid = entity.uid();
        for ancestor in entities.ancestors(&uid).into_iter().flatten() {
            if ancestor.type_name().basename() != "Action" && entities.get(ancestor).is_none() {
                missed.entry(ancestor.clone()).or_insert_with(|| uid.clone());
            }
        }
    }
    for (parent, child) in missed.into_iter().take(MOST) {
        let message = format!("`{child}` is in `{parent}`, and there is no such entity");
        let problem = Problem::warning("cedarkey::entities::parent", message);
        problems.push(problem.help(known.help(&parent)));
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
    fn problem(&self, policies: &Policies, uid: &EntityUid, known: &Known) -> Problem {
        let (Self::Written(id) | Self::Given(id)) = self;
        let message = format!("`{id}` names `{uid}`, and there is no such entity");
        let problem = Problem::warning(CODE, message).help(known.help(uid));
        match self {
            Self::Written(id) => policies.named(problem, id, uid),
            Self::Given(id) => policies.linked(problem, id),
        }
    }
}

// === impl Known ===

impl Known {
    /// Those of a project.
    pub(crate) fn new(schema: &Source, entities: &Entities) -> Self {
        let kinds = kinds(schema).into_iter().filter(|kind| kind.to_string() != KEY_TYPE);
        let mut known: BTreeMap<_, BTreeSet<_>> =
            kinds.map(|kind| (kind, BTreeSet::new())).collect();
        for entity in entities.iter() {
            let uid = entity.uid();
            let ancestors = entities.ancestors(&uid).into_iter().flatten().cloned();
            for uid in ancestors.chain([uid.clone()]) {
                if let Some(of_kind) = known.get_mut(uid.type_name()) {
                    of_kind.insert(uid);
                }
            }
        }
        Self { entities: known }
    }

    fn misses(&self, uid: &EntityUid) -> bool {
        self.entities.get(uid.type_name()).is_some_and(|there| !there.contains(uid))
    }

    fn help(&self, uid: &EntityUid) -> String {
        let add = match uid.type_name().basename() {
            "Endpoint" => String::from("endpoints are those of routes.yaml"),
            _ => format!("add it to {}", crate::entities::FILE),
        };
        match self.meant(uid) {
            Some(meant) => format!("is `{meant}` meant? if not, {add}"),
            None => format!("is it mistyped? if not, {add}"),
        }
    }

    /// The entity of the same type whose name is most like that of this.
    fn meant(&self, uid: &EntityUid) -> Option<String> {
        let name = uid.id().unescaped();
        let others = self.entities.get(uid.type_name())?.iter().filter(|other| *other != uid);
        let near = others.filter_map(|other| {
            let named = other.id().unescaped();
            // A letter has at most four bytes.
            let is_like = name.len().max(named.len()) <= LONGEST
                && name.len().abs_diff(named.len()) <= TYPOS.saturating_mul(4);
            let distance = is_like.then(|| strsim::damerau_levenshtein(named, name))?;
            // Of a short name as much as a half may be wrong.
            let is_near = distance <= TYPOS && distance.saturating_mul(2) <= name.chars().count();
            is_near.then(|| (distance, other.to_string()))
        });
        near.min().map(|(_, other)| other)
    }
}

/// The types of a schema of which there may be entities, keys among them. Of actions, and of
/// enumerations, the validator knows what there is.
fn kinds(schema: &Source) -> Vec<EntityTypeName> {
    let json = SchemaFragment::from_cedarschema_str(schema.text()).ok();
    let json = json.and_then(|(fragment, _)| fragment.to_json_value().ok()).unwrap_or_default();
    let mut kinds = Vec::new();
    for (namespace, parts) in json.as_object().into_iter().flatten() {
        let types = parts.get("entityTypes").and_then(Json::as_object);
        for (name, _) in types.into_iter().flatten().filter(|(_, kind)| kind.get("enum").is_none())
        {
            let separator = if namespace.is_empty() { "" } else { "::" };
            kinds.extend(format!("{namespace}{separator}{name}").parse::<EntityTypeName>());
        }
    }
    kinds
}
