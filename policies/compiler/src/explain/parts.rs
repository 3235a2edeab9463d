//! The parts of a policy's conditions, with their places in its text.

use crate::model::PolicySource;
use crate::problem::Source;
use crate::project::Policies;
use crate::project::tokens::Tokens;
use serde_json::{Value as Json, json};

/// A part of a condition.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// Its body, in Cedar's JSON form.
    pub body: Json,
    clause: Clause,
    /// Its place in the policy's file: byte offset and length.
    pub place: Option<(usize, usize)>,
}

/// What a part belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clause {
    /// All parts must hold.
    When,
    /// No part may hold.
    Unless,
}

/// A clause as it stands in the text, in parts.
#[derive(Debug)]
struct Written {
    clause: Clause,
    places: Vec<(usize, usize)>,
}

// === impl Part ===

impl Part {
    /// The parts of a policy's conditions, in the order in which Cedar evaluates them.
    pub fn of(policy: &PolicySource, policies: &Policies) -> Vec<Self> {
        Self::at(policy, policies.source(&policy.id), policies.place(&policy.id))
    }

    /// The parts of a policy that stands there in that file.
    fn at(
        policy: &PolicySource,
        source: Option<&Source>,
        place: Option<(usize, usize)>,
    ) -> Vec<Self> {
        let conditions = policy.json.get("conditions").and_then(Json::as_array);
        let conditions: Vec<_> = conditions.into_iter().flatten().filter_map(condition).collect();
        let text = source.zip(place).and_then(|(source, (start, len))| {
            Some((source.text().get(start..start.checked_add(len)?)?, start))
        });
        let mut written = text.map_or_else(Vec::new, |(text, start)| clauses(text, start));
        // What does not fit the text is left whole and without a place.
        if written.iter().map(|it| it.clause).ne(conditions.iter().map(|(clause, _)| *clause)) {
            written.clear();
        }
        let mut parts = Vec::new();
        for (number, (clause, body)) in conditions.into_iter().enumerate() {
            let places = written.get(number).map_or(&[][..], |written| &written.places);
            match clause.split(body, places.len()) {
                Some(bodies) => {
                    parts.extend(bodies.into_iter().zip(places).map(|(body, place)| Self {
                        body: body.clone(),
                        clause,
                        place: Some(*place),
                    }))
                }
                None => {
                    let (first, last) = (places.first(), places.last());
                    let whole = first.zip(last).map(|((start, _), (last, len))| {
                        (*start, last.saturating_add(*len).saturating_sub(*start))
                    });
                    parts.push(Self { body: body.clone(), clause, place: whole });
                }
            }
        }
        parts
    }

    /// The part as a policy of its own, which applies where the part holds.
    pub fn alone(&self, policy: &PolicySource, id: String) -> PolicySource {
        let mut json = policy.json.clone();
        if let Some(fields) = json.as_object_mut() {
            fields.insert("effect".into(), "permit".into());
            fields.insert("conditions".into(), json!([{ "kind": "when", "body": self.body }]));
        }
        PolicySource { id, reason: String::new(), json }
    }

    /// What is the matter with it, given whether it held; nothing, if that was right.
    pub fn unmet(&self, held: bool) -> Option<&'static str> {
        match (self.clause, held) {
            (Clause::When, false) => Some("this is false"),
            (Clause::Unless, true) => Some("this is true"),
            _ => None,
        }
    }

    /// How it came out where that was right.
    pub fn met(&self) -> &'static str {
        match self.clause {
            Clause::When => "this is true",
            Clause::Unless => "this is false",
        }
    }
}

fn condition(json: &Json) -> Option<(Clause, &Json)> {
    let clause = match json.get("kind")?.as_str()? {
        "when" => Clause::When,
        _ => Clause::Unless,
    };
    Some((clause, json.get("body")?))
}

// === impl Clause ===

impl Clause {
    /// The operator that a condition is taken apart at: in the JSON form, and as a sign of the text.
    fn operator(self) -> (&'static str, &'static str) {
        match self {
            Self::Unless => ("||", "|"),
            Self::When => ("&&", "&"),
        }
    }

    /// Takes a body apart into so many parts. Both operators are left-associative.
    fn split(self, body: &Json, count: usize) -> Option<Vec<&Json>> {
        let mut parts = Vec::with_capacity(count);
        let mut rest = body;
        for _ in 1..count {
            let both = rest.get(self.operator().0)?;
            parts.push(both.get("right")?);
            rest = both.get("left")?;
        }
        parts.push(rest);
        parts.reverse();
        (count > 0).then_some(parts)
    }
}

/// The clauses of a policy's text, which begins at an offset in its file.
fn clauses(text: &str, start: usize) -> Vec<Written> {
    let mut clauses = Vec::new();
    let mut tokens = Tokens::of(text).peekable();
    let mut depth = 0_usize;
    while let Some((_, token)) = tokens.next() {
        match token {
            "(" | "{" | "[" => depth = depth.saturating_add(1),
            ")" | "}" | "]" => depth = depth.saturating_sub(1),
            "when" | "unless" if depth == 0 => {
                let clause = if token == "when" { Clause::When } else { Clause::Unless };
                if tokens.next_if(|(_, token)| *token == "{").is_some() {
                    let places = places(&mut tokens, text, clause);
                    let places =
                        places.into_iter().map(|(at, len)| (at.saturating_add(start), len));
                    clauses.push(Written { clause, places: places.collect() });
                }
            }
            _ => {}
        }
    }
    clauses
}

/// The parts of a clause whose opening brace has been read, up to and with its closing one.
fn places<'a>(
    tokens: &mut impl Iterator<Item = (usize, &'a str)>,
    text: &str,
    clause: Clause,
) -> Vec<(usize, usize)> {
    let mut cuts: Vec<usize> = Vec::new();
    let (mut first, mut end, mut depth, mut whole) = (None, 0, 1_usize, false);
    let mut before = (0, "");
    for (at, token) in tokens {
        match token {
            "(" | "{" | "[" => depth = depth.saturating_add(1),
            ")" | "}" | "]" => depth = depth.saturating_sub(1),
            // An operator that binds less tightly, or `if`, is not taken apart.
            "if" if depth == 1 => whole = true,
            "|" if depth == 1 && clause == Clause::When => whole = true,
            sign if depth == 1
                && sign == clause.operator().1
                && before == (at.saturating_sub(1), sign) =>
            {
                cuts.push(at);
            }
            _ => {}
        }
        if depth == 0 {
            end = at;
            break;
        }
        first = first.or(Some(at));
        before = (at, token);
    }
    if whole {
        cuts.clear();
    }
    let starts = first.into_iter().chain(cuts.iter().map(|at| at.saturating_add(1)));
    let ends = cuts.iter().map(|at| at.saturating_sub(1)).chain([end]);
    starts.zip(ends).map(|(start, end)| trimmed(text, start, end)).collect()
}

fn trimmed(text: &str, start: usize, end: usize) -> (usize, usize) {
    let part = text.get(start..end).unwrap_or_default();
    let lead = part.len().saturating_sub(part.trim_start().len());
    (start.saturating_add(lead), part.trim().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<(String, bool)> {
        let policy = cedar_policy::Policy::parse(None, text).unwrap();
        let source =
            PolicySource { id: "p".into(), reason: String::new(), json: policy.to_json().unwrap() };
        let file = Source::new("p.cedar", format!("é {text}"));
        let place = (3, text.len());
        let parts = Part::at(&source, Some(&file), Some(place));
        let text = |part: &Part| {
            let (at, len) = part.place?;
            Some(file.text().get(at..)?.get(..len)?.to_owned())
        };
        parts
            .iter()
            .map(|part| (text(part).unwrap_or_default(), part.clause == Clause::When))
            .collect()
    }

    fn texts(text: &str) -> Vec<String> {
        parts(text).into_iter().map(|(text, _)| text).collect()
    }

    #[test]
    fn a_condition_is_taken_apart_at_its_outermost_and() {
        let text = "@id(\"when { a && b }\") permit(principal, action, resource)
            when { context.a && context.b == \"x && y\" && (context.c && true) // && no
                   && [1 && 2].isEmpty() };";
        let expected = [
            "context.a",
            "context.b == \"x && y\"",
            "(context.c && true) // && no",
            "[1 && 2].isEmpty()",
        ];
        assert_eq!(texts(text), expected);
    }

    #[test]
    fn what_binds_less_tightly_stays_whole() {
        for body in [
            "context.a && context.b || context.c",
            "if context.a && context.b then true else false && true",
        ] {
            let text = format!("permit(principal, action, resource) when {{ {body} }};");
            assert_eq!(texts(&text), [body]);
        }
    }

    #[test]
    fn each_clause_has_its_own_parts() {
        let text = "forbid(principal, action, resource) when { context.a && context.b }
            unless { context.c && context.d || context.e } when { true };";
        let expected = [
            ("context.a", true),
            ("context.b", true),
            ("context.c && context.d", false),
            ("context.e", false),
            ("true", true),
        ];
        let expected: Vec<_> = expected.map(|(text, when)| (text.to_owned(), when)).into();
        assert_eq!(parts(text), expected);
    }

    #[test]
    fn brackets_that_cedar_drops_leave_the_parts_as_they_are_written() {
        let text =
            "permit(principal, action, resource) when { (context.a && context.b) && context.c };";
        assert_eq!(texts(text), ["(context.a && context.b)", "context.c"]);
        assert_eq!(texts("permit(principal, action, resource);"), [""; 0]);
    }
}
