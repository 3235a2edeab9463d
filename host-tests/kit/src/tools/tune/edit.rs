//! What is made of the text of a module.

use super::text::{Text, What};
use super::{Counts, Tuning};
use std::ops::Range;

/// The most expressions of a function that may be taken into those that call it. V8 would take in
/// whatever there is room for, which takes it longer than to compile both, and makes requests slower.
const SMALL: usize = 100;

/// A text to be put in the place of another, which may be empty.
type Edit = (Range<usize>, String);

/// The module with each condition handed to the host, which gives it back, and each call told to it.
pub(super) fn counted(read: &Text<'_>) -> String {
    let mut edits = Vec::new();
    let imports = "(import \"tune\" \"met\" (func $met (param i32 i32) (result i32)))\n \
                   (import \"tune\" \"made\" (func $made (param i32)))\n ";
    edits.push(before(read.imports, imports));
    // What is in another comes behind it where both begin at one place.
    for (number, place) in read.places.iter().enumerate().rev() {
        match &place.what {
            What::Branch(condition) => {
                edits.push(before(condition.start, &format!("(call $met (i32.const {number}) ")));
                edits.push(before(condition.end, ")"));
            }
            What::Call(callee) => {
                let Some(function) = read.functions.get(callee) else { continue };
                let results = &function.results;
                let block = format!("(block{results} (call $made (i32.const {number})) ");
                edits.push(before(place.text.start, &block));
                edits.push(before(place.text.end, ")"));
            }
        }
    }
    with(read.text, edits)
}

/// The module with a hint at each branch whose condition nearly always came out the same, and with
/// calls by way of the table, but for those that were made and are of small functions; without some
/// of these parts.
pub(super) fn tuned(read: &Text<'_>, counts: &Counts, without: &[Tuning]) -> String {
    let has = |part| !without.contains(&part);
    let mut edits = Vec::new();
    let table = read.table.clone().filter(|_| has(Tuning::Lookups));
    let table = table.and_then(|at| Some((at.clone(), read.text.get(at)?)));
    // Its least and its greatest size, which are the same: what is looked up is behind that.
    let first: Option<usize> =
        table.as_ref().and_then(|(_, text)| text.split(' ').find_map(|word| word.parse().ok()));
    let mut looked_up: Vec<&str> = Vec::new();
    for (number, place) in read.places.iter().enumerate() {
        let count = counts.get(&number);
        match (&place.what, first) {
            (What::Branch(_), _) if has(Tuning::Hints) => {
                if let Some(likely) = count.and_then(likely) {
                    let hint = format!("(@metadata.code.branch_hint \"\\0{likely}\") ");
                    edits.push(before(place.text.start, &hint));
                }
            }
            (What::Call(callee), Some(first)) => {
                let Some(function) = read.functions.get(callee) else { continue };
                if count.is_some() && function.expressions <= SMALL {
                    continue;
                }
                let known = looked_up.iter().position(|other| other == callee);
                let entry = known.unwrap_or_else(|| {
                    looked_up.push(callee);
                    looked_up.len().saturating_sub(1)
                });
                let entry = entry.saturating_add(first);
                let call = format!("(call {callee}");
                let end = place.text.start.saturating_add(call.len());
                let indirect = format!("(call_indirect{}{}", function.params, function.results);
                edits.push((place.text.start..end, indirect));
                let last = place.text.end.saturating_sub(1);
                edits.push(before(last, &format!(" (i32.const {entry})")));
            }
            // Left out; and without a table nothing can be looked up.
            (What::Branch(_), _) | (What::Call(_), None) => {}
        }
    }
    if let (Some((at, text)), Some(first)) = (table, first) {
        let size = first.saturating_add(looked_up.len());
        edits.push((at, text.replace(&format!(" {first}"), &format!(" {size}"))));
        let names = looked_up.join(" ");
        edits.push(before(read.end, &format!(" (elem (i32.const {first}) {names})")));
    }
    with(read.text, edits)
}

/// Whether a condition is true, where it came out the same at least nine times of ten.
fn likely(&(no, yes): &(u64, u64)) -> Option<u8> {
    let of_ten = |count: u64| count.saturating_mul(10).checked_div(no.saturating_add(yes));
    match (of_ten(no)?, of_ten(yes)?) {
        (9.., _) => Some(0),
        (_, 9..) => Some(1),
        _ => None,
    }
}

fn before(at: usize, text: &str) -> Edit {
    (at..at, text.to_owned())
}

fn with(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|(place, _)| place.start);
    let mut made = String::with_capacity(text.len().saturating_mul(2));
    let mut from = 0;
    for (place, new) in edits {
        made.push_str(text.get(from..place.start).unwrap_or_default());
        made.push_str(&new);
        from = place.end;
    }
    made.push_str(text.get(from..).unwrap_or_default());
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"(module
 (import "a\")" "b" (func $b (param i32) (result i32)))
 (table $0 2 2 funcref)
 (elem $0 (i32.const 1) $one)
 (func $one (param $0 i32) (result i32)
  (block $l (br_if $l (i32.const 7) (i32.eqz (local.get $0))))
  (if (result i32) (call $one (local.get $0)) (then (call $b (i32.const 2))) (else (i32.const 1)))
 )
)"#;

    #[test]
    fn conditions_and_calls_report_themselves() {
        let counted = counted(&Text::read(TEXT));
        for part in [
            "(import \"tune\" \"made\" (func $made (param i32)))\n (import \"a",
            "(br_if $l (i32.const 7) (call $met (i32.const 0) (i32.eqz (local.get $0))))",
            "(call $met (i32.const 3) (block (result i32) (call $made (i32.const 1)) (call $one",
            "(then (call $b (i32.const 2)))",
        ] {
            assert!(counted.contains(part), "{part} is not in {counted}");
        }
    }

    #[test]
    fn what_was_not_called_is_looked_up_and_what_was_alike_is_hinted() {
        let counts = Counts::from([(0, (0, 9)), (3, (9, 1))]);
        let tuned_once = tuned(&Text::read(TEXT), &counts, &[]);
        for part in [
            "(table $0 3 3 funcref)",
            "(@metadata.code.branch_hint \"\\01\") (br_if $l",
            "(@metadata.code.branch_hint \"\\00\") (if (result i32) \
             (call_indirect (param i32) (result i32) (local.get $0) (i32.const 2))",
            "(call $b (i32.const 2))",
            " (elem (i32.const 2) $one))",
        ] {
            assert!(tuned_once.contains(part), "{part} is not in {tuned_once}");
        }
        let counts = Counts::from([(0, (5, 4)), (1, (0, 1)), (3, (10, 90))]);
        let tuned = tuned(&Text::read(TEXT), &counts, &[]);
        assert_eq!(tuned.matches("branch_hint").count(), 1);
        assert!(tuned.contains("(call $one (local.get $0))"), "{tuned}");
    }

    #[test]
    fn what_is_left_out_is_as_it_was() {
        let counts = Counts::from([(0, (0, 9)), (3, (9, 1))]);
        let read = Text::read(TEXT);
        let without = |parts: &[Tuning]| {
            let tuned = tuned(&read, &counts, parts);
            ["branch_hint", "call_indirect", "(table $0 3 3"].map(|part| tuned.contains(part))
        };
        assert_eq!(without(&[]), [true, true, true]);
        assert_eq!(without(&[Tuning::Hints]), [false, true, true]);
        assert_eq!(without(&[Tuning::Lookups]), [true, false, false]);
        assert_eq!(tuned(&read, &counts, &[Tuning::Hints, Tuning::Lookups]), TEXT);
    }
}
