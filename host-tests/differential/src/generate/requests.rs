//! Requests, within the schema and beyond.

use super::Manner;
use super::dice::Dice;
use super::entities::Cast;
use super::values::Values;
use crate::case::Request;
use crate::schema::{Applies, Schema};

/// The most requests of a case.
const MOST: usize = 64;

/// How many of 256 values of a request are wrong that need not fit the schema.
const WRONG: usize = 24;

/// What is asked.
pub(super) fn requests(
    dice: &mut Dice<'_, '_>,
    schema: &Schema,
    cast: &Cast,
    manner: Manner,
) -> Vec<Request> {
    let count = dice.between(1, MOST);
    (0..count).map(|_| request(dice, schema, cast, manner)).collect()
}

fn request(dice: &mut Dice<'_, '_>, schema: &Schema, cast: &Cast, manner: Manner) -> Request {
    let fits = dice.chance(3, 4);
    let wrong = if fits { 0 } else { WRONG.max(manner.wrong) };
    let at = dice.below(schema.actions.len());
    let applies = schema.actions.get(at).and_then(|action| action.applies.as_ref());
    let values = Values { schema, cast, wrong };
    let Some(Applies { principals, resources, context }) = applies else {
        // A group: Cedar's validator would refuse to be asked.
        return Request {
            principal: cast.anyone(dice),
            action: schema.action_uid(at),
            resource: cast.anyone(dice),
            context: Vec::new(),
        };
    };
    let mut who = |kinds: &[usize]| {
        if fits || dice.chance(2, 3) {
            let kind = dice.pick(kinds);
            cast.of_kind(dice, kind)
        } else {
            cast.anyone(dice)
        }
    };
    let (principal, resource) = (who(principals), who(resources));
    let action = match fits || dice.chance(3, 4) {
        true => schema.action_uid(at),
        false => cast.anyone(dice),
    };
    Request { principal, action, resource, context: values.record(dice, context) }
}
