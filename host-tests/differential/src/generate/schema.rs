//! Schemas.

use super::dice::Dice;
use super::texts::{IDS, NAMES};
use crate::schema::{Action, Applies, Ext, Field, Kind, Schema, Type};

const SPACES: [&str; 4] = ["", "App", "App::Deep", "N1"];

const KINDS: [&str; 10] =
    ["User", "Team", "Doc", "Folder", "A", "B1", "_x", "Zed", "age", "Service"];

const ACTIONS: [&str; 8] = ["read", "write", "any", "", "do it", "é", "Action", "admin"];

/// A schema, with at least one type and an action that applies to something.
pub(super) fn schema(dice: &mut Dice<'_, '_>) -> Schema {
    let count = dice.between(1, 5);
    let names = dice.some(&KINDS, count);
    let names: Vec<_> = names.into_iter().map(String::from).collect();
    let kinds: Vec<_> = (0..names.len()).collect();
    let kinds = names.into_iter().map(|name| kind(dice, name, &kinds)).collect();
    let mut schema = Schema { kinds, ..Schema::default() };
    schema.action_space = dice.pick(&SPACES).into();
    let count = dice.between(1, 5);
    let ids = dice.some(&ACTIONS, count);
    for (at, id) in ids.iter().enumerate() {
        let last = at.saturating_add(1) == ids.len();
        let groups = (0..at).filter(|_| dice.chance(1, 2)).collect();
        let applies = (last || dice.chance(3, 4)).then(|| applies(dice, &schema));
        schema.actions.push(Action { id: (*id).into(), groups, applies });
    }
    schema
}

/// Any type that a value may have.
pub(super) fn any_type(dice: &mut Dice<'_, '_>, schema: &Schema) -> Type {
    ty(dice, schema.kinds.len(), 2)
}

fn kind(dice: &mut Dice<'_, '_>, name: String, kinds: &[usize]) -> Kind {
    let space = String::from(dice.pick(&SPACES));
    let bare = Kind { space, name, parents: vec![], attrs: vec![], tags: None, ids: vec![] };
    if dice.chance(1, 8) {
        let count = dice.between(1, 3);
        let ids = dice.some(&IDS, count).into_iter().map(String::from).collect();
        return Kind { ids, ..bare };
    }
    let parents = kinds.iter().copied().filter(|_| dice.chance(2, 5)).collect();
    let attrs = fields(dice, kinds.len(), 5, 2);
    let tags = dice.chance(1, 3).then(|| ty(dice, kinds.len(), 1));
    Kind { parents, attrs, tags, ..bare }
}

fn applies(dice: &mut Dice<'_, '_>, schema: &Schema) -> Applies {
    let kinds: Vec<_> = (0..schema.kinds.len()).collect();
    let mut some = || {
        let count = dice.between(1, 2);
        dice.some(&kinds, count)
    };
    let (principals, resources) = (some(), some());
    Applies { principals, resources, context: fields(dice, kinds.len(), 5, 2) }
}

fn fields(dice: &mut Dice<'_, '_>, kinds: usize, most: usize, depth: usize) -> Vec<Field> {
    let count = dice.below(most.saturating_add(1));
    let names = dice.some(&NAMES, count);
    let field = |name: &str| Field {
        name: name.into(),
        ty: ty(dice, kinds, depth),
        optional: dice.chance(2, 5),
    };
    names.into_iter().map(field).collect()
}

fn ty(dice: &mut Dice<'_, '_>, kinds: usize, depth: usize) -> Type {
    let all = if depth == 0 { 12 } else { 16 };
    match dice.below(all) {
        0 | 1 => Type::Bool,
        2 | 3 => Type::Long,
        4 | 5 => Type::Str,
        6 => Type::Ext(Ext::Datetime),
        7 => Type::Ext(Ext::Decimal),
        8 => Type::Ext(Ext::Duration),
        9 => Type::Ext(Ext::Ip),
        10 | 11 => Type::Entity(dice.below(kinds)),
        12 | 13 => Type::Set(Box::new(ty(dice, kinds, depth.saturating_sub(1)))),
        _ => Type::Record(fields(dice, kinds, 3, depth.saturating_sub(1))),
    }
}
