//! Entities, and what entities there may be.

use super::Manner;
use super::dice::Dice;
use super::texts::{IDS, NAMES};
use super::values::Values;
use crate::case::Entity;
use crate::schema::{Kind, Schema};
use crate::uid::Uid;

/// The uids that a case speaks of.
#[derive(Debug)]
pub(super) struct Cast {
    /// The entities that are there, and their types by position. Parents stand before children.
    present: Vec<(usize, Uid)>,
    /// By type: those that are there, and one that is not, unless the type lists its ids.
    by_kind: Vec<Vec<Uid>>,
    actions: Vec<Uid>,
    /// Whether each entity is in the one before it.
    chain: bool,
}

/// Entities of which the schema knows nothing.
const STRANGERS: [(&str, &str); 4] =
    [("Stranger", "ann"), ("App::Stranger", ""), ("N9::User", "b"), ("Action", "unknown")];

/// The longest chain of parents.
const CHAIN: usize = 60;

// === impl Cast ===

impl Cast {
    pub fn of(dice: &mut Dice<'_, '_>, schema: &Schema) -> Self {
        let chain = dice.chance(1, 8);
        let mut counts: Vec<_> = schema.kinds.iter().map(|kind| count(dice, kind)).collect();
        if chain {
            // One type in itself, if there is such a type.
            let in_itself = |(at, kind): &(usize, &Kind)| kind.parents.contains(at);
            let deep = schema.kinds.iter().enumerate().find(in_itself);
            if let Some(count) = deep.and_then(|(at, _)| counts.get_mut(at)) {
                *count = dice.between(10, CHAIN);
            }
        }
        let most = counts.iter().copied().max().unwrap_or_default();
        let mut present = Vec::new();
        for round in 0..most {
            for (at, kind) in schema.kinds.iter().enumerate() {
                if counts.get(at).is_some_and(|count| round < *count) {
                    present.push((at, Uid::new(kind.full_name(), id(kind, round))));
                }
            }
        }
        let by_kind = schema.kinds.iter().enumerate().map(|(at, kind)| {
            let own = present.iter().filter(|(of, _)| *of == at).map(|(_, uid)| uid.clone());
            let others = match kind.ids.as_slice() {
                [] => vec![Uid::new(kind.full_name(), "nobody")],
                ids => ids.iter().map(|id| Uid::new(kind.full_name(), id)).collect(),
            };
            own.chain(others).collect()
        });
        let by_kind = by_kind.collect();
        let actions = (0..schema.actions.len()).map(|at| schema.action_uid(at)).collect();
        Self { present, by_kind, actions, chain }
    }

    /// An entity of a type, there or not.
    pub fn of_kind(&self, dice: &mut Dice<'_, '_>, kind: usize) -> Uid {
        let known = self.by_kind.get(kind).map_or(&[][..], Vec::as_slice);
        dice.choose(known).cloned().unwrap_or_else(|| Uid::new("Stranger", ""))
    }

    /// An action of the schema.
    pub fn action(&self, dice: &mut Dice<'_, '_>) -> Uid {
        dice.choose(&self.actions).cloned().unwrap_or_else(|| Uid::new("Action", ""))
    }

    /// Any entity, action or stranger.
    pub fn anyone(&self, dice: &mut Dice<'_, '_>) -> Uid {
        match dice.below(8) {
            0..=4 => {
                let kind = dice.below(self.by_kind.len());
                self.of_kind(dice, kind)
            }
            5 | 6 => self.action(dice),
            _ => {
                let (kind, id) = dice.pick(&STRANGERS);
                Uid::new(kind, id)
            }
        }
    }
}

fn count(dice: &mut Dice<'_, '_>, kind: &Kind) -> usize {
    dice.below(5).min(if kind.ids.is_empty() { usize::MAX } else { kind.ids.len() })
}

/// The id of an entity; no two of a type have the same.
fn id(kind: &Kind, at: usize) -> String {
    let listed = kind.ids.get(at).cloned();
    listed.unwrap_or_else(|| IDS.get(at).map_or_else(|| format!("n{at}"), |id| (*id).into()))
}

/// The entities that are there.
pub(super) fn entities(
    dice: &mut Dice<'_, '_>,
    schema: &Schema,
    cast: &Cast,
    manner: Manner,
) -> Vec<Entity> {
    let wrong = if manner.conforms { 0 } else { manner.wrong };
    let values = Values { schema, cast, wrong };
    let mut made = Vec::with_capacity(cast.present.len());
    for (at, (of, uid)) in cast.present.iter().enumerate() {
        let Some(kind) = schema.kinds.get(*of) else { continue };
        made.push(Entity {
            uid: uid.clone(),
            attrs: if kind.ids.is_empty() { values.record(dice, &kind.attrs) } else { vec![] },
            tags: tags(dice, values, kind),
            parents: parents(dice, cast, kind, at, wrong),
        });
    }
    made
}

fn tags(
    dice: &mut Dice<'_, '_>,
    values: Values<'_>,
    kind: &Kind,
) -> Vec<(String, crate::value::Value)> {
    let Some(ty) = &kind.tags else { return Vec::new() };
    let count = dice.below(4);
    let names = dice.some(&NAMES, count);
    names.into_iter().map(|name| (name.into(), values.value(dice, ty))).collect()
}

/// Parents among the entities before, so that nobody is in itself; now and then one that is not
/// there.
fn parents(dice: &mut Dice<'_, '_>, cast: &Cast, kind: &Kind, at: usize, wrong: usize) -> Vec<Uid> {
    let fits = |of: usize| kind.parents.contains(&of);
    let before = cast.present.get(..at).unwrap_or_default();
    let mut parents = Vec::new();
    if cast.chain
        && let Some((_, uid)) = before.iter().rev().find(|(of, _)| fits(*of))
    {
        parents.push(uid.clone());
    }
    for _ in 0..dice.below(4) {
        let Some((of, uid)) = dice.choose(before) else { break };
        let any = wrong > 0 && kind.ids.is_empty() && dice.chance(wrong, 256);
        if (fits(*of) || any) && !parents.contains(uid) {
            parents.push(uid.clone());
        }
    }
    if let (true, Some(of)) = (dice.chance(1, 8), dice.choose(&kind.parents)) {
        let missing = cast.by_kind.get(*of).and_then(|known| known.last());
        let present = |uid: &Uid| cast.present.iter().any(|(_, known)| known == uid);
        parents.extend(missing.filter(|uid| !present(uid)).cloned());
    }
    parents
}

/// Now and then one of the entities comes with the request. It has no tags, and nobody is in it.
pub(super) fn guest(dice: &mut Dice<'_, '_>, entities: &[Entity]) -> Option<Uid> {
    if !dice.chance(1, 4) {
        return None;
    }
    let is_parent = |uid: &Uid| entities.iter().any(|entity| entity.parents.contains(uid));
    let may = |entity: &&Entity| entity.tags.is_empty() && !is_parent(&entity.uid);
    let may: Vec<_> = entities.iter().filter(may).collect();
    dice.choose(&may).map(|entity| entity.uid.clone())
}
