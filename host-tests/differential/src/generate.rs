//! Cases, made from bytes.
//!
//! The bytes come from a seeded source or from a fuzzer. When they run out, every choice falls on
//! the first and simplest.

mod dice;
mod entities;
mod expression;
mod paths;
mod policies;
mod requests;
mod schema;
mod texts;
mod values;

use crate::case::Case;
use arbitrary::Unstructured;
use dice::Dice;
use entities::Cast;

/// How a case treats its schema.
#[derive(Clone, Copy, Debug)]
struct Manner {
    /// How many of 256 expressions and values are of another type than they should be.
    wrong: usize,
    /// Whether policies read what may be missing only where it is there, and make no value of a
    /// text that may be refused: what Cedar's validator wants.
    careful: bool,
    /// Whether entities are as the schema wants them.
    conforms: bool,
}

/// Makes a case.
pub fn case(bytes: &[u8]) -> Case {
    let mut bytes = Unstructured::new(bytes);
    let dice = &mut Dice::new(&mut bytes);
    let manner = Manner::of(dice);
    let schema = schema::schema(dice);
    let cast = Cast::of(dice, &schema);
    let entities = entities::entities(dice, &schema, &cast, manner);
    let guest = entities::guest(dice, &entities);
    let (policies, links) = policies::policies(dice, &schema, &cast, manner);
    let requests = requests::requests(dice, &schema, &cast, manner);
    Case { schema, policies, links, entities, conforms: manner.conforms, guest, requests }
}

// === impl Manner ===

impl Manner {
    fn of(dice: &mut Dice<'_, '_>) -> Self {
        match dice.below(8) {
            // As a project that was checked.
            0..=3 => Self { wrong: 0, careful: true, conforms: true },
            // As one that was not, with faults here and there.
            4 => Self { wrong: 0, careful: false, conforms: true },
            5 => Self { wrong: 6, careful: false, conforms: dice.flip() },
            // As nobody would write it.
            _ => Self { wrong: 50, careful: false, conforms: false },
        }
    }
}
