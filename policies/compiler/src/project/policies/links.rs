//! `links.json`: which templates are policies for whom.
//!
//! The file has the form that Cedar's command line takes, so that both may read the same.

use super::Policies;
use crate::place;
use crate::problem::{Problem, Problems, Source};
use cedar_policy::{EntityUid, PolicyId, SlotId, Template};
use miette::Diagnostic;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashMap};

/// The file's name. It need not be there.
pub const FILE: &str = "links.json";

/// The links of a project, as far as they can be shown.
#[derive(Debug, Default)]
pub(super) struct Links {
    source: Option<Source>,
    /// The place of each in the file, by id.
    places: BTreeMap<String, (usize, usize)>,
}

/// A link as it is written, its values still unread: so they keep their places.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written<'a> {
    #[serde(borrow)]
    template_id: &'a RawValue,
    #[serde(borrow)]
    link_id: &'a RawValue,
    #[serde(borrow)]
    args: &'a RawValue,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments<'a> {
    #[serde(borrow, rename = "?principal")]
    principal: Option<&'a RawValue>,
    #[serde(borrow, rename = "?resource")]
    resource: Option<&'a RawValue>,
}

// === impl Policies ===

impl Policies {
    /// Adds the links of the file. Where not all templates are there, only its form is checked.
    ///
    /// # Errors
    ///
    /// All that is wrong with them.
    pub(super) fn add_links(&mut self, source: Source, complete: bool) -> Result<(), Problems> {
        let elements: Vec<&RawValue> = serde_json::from_str(source.text())
            .map_err(|error| form(&source, 0, source.text(), &error))?;
        self.links.source = Some(source.clone());
        let mut problems = Problems::new();
        for element in elements {
            problems.take(self.add_link(&source, element, complete));
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    fn add_link(
        &mut self,
        source: &Source,
        element: &RawValue,
        complete: bool,
    ) -> Result<(), Problems> {
        let link: Written<'_> = parse(source, element)?;
        let template_id: String = parse(source, link.template_id)?;
        let id: String = parse(source, link.link_id)?;
        let arguments: Arguments<'_> = parse(source, link.args)?;
        if !complete {
            return Ok(());
        }
        let at = |raw| place(source, raw);
        let problem = |code, message: String| Problem::error(code, message).file(source);
        let mut problems = Problems::new();
        if id.trim().is_empty() {
            let message = String::from("the link has no id");
            let problem = problem("cedarkey::links::id", message).at(at(link.link_id), "here");
            problems.push(problem.help("decisions are recorded by link id: name what it grants"));
        }
        problems.extend(self.taken(&id, at(link.link_id), source));
        let Some(template) = self.set.template(&PolicyId::new(&template_id)) else {
            let message = if self.places.contains_key(&template_id) {
                format!("`{template_id}` is no template: it has no `?principal` or `?resource`")
            } else {
                format!("there is no template `{template_id}`")
            };
            let problem = problem("cedarkey::links::template", message);
            let problem = problem.at(at(link.template_id), "here");
            problems.push(problem.help("name the `@id` of a template in the folder `policies`"));
            return Err(problems);
        };
        let mut values = HashMap::new();
        for (slot, argument) in
            [(SlotId::principal(), arguments.principal), (SlotId::resource(), arguments.resource)]
        {
            match value(source, template, &slot, argument, at(link.args)) {
                Ok(Some(uid)) => {
                    values.insert(slot, uid);
                }
                Ok(None) => {}
                Err(problem) => problems.push(problem),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let template = template.id().clone();
        let whole = at(element);
        self.set.link(template, PolicyId::new(&id), values).map_err(|error| {
            problem("cedarkey::links::link", error.to_string()).at(whole, "this link")
        })?;
        if let Some(place) = self.places.get(&template_id).copied() {
            self.places.insert(id.clone(), place);
        }
        self.links.places.insert(id, whole);
        Ok(())
    }

    /// What is wrong with an id that is in use.
    fn taken(&self, id: &str, at: (usize, usize), source: &Source) -> Option<Problem> {
        let (file, first) = self.places.get(id)?;
        let other = self.links.places.get(id);
        let (name, line) = match other {
            Some(place) => (source.name(), place::line_number(source.text(), place.0)),
            None => self.line(*file, *first),
        };
        let message = format!("the policy id `{id}` is used twice; first in {name}:{line}");
        let problem = Problem::error("cedarkey::links::duplicate-id", message).file(source);
        let problem = problem.at(at, "this id").help("give each link a `link_id` of its own");
        Some(other.into_iter().fold(problem, |problem, place| problem.at(*place, "the first")))
    }

    /// Adds to a problem the place of the link that it is about.
    pub(crate) fn linked(&self, problem: Problem, id: &str) -> Problem {
        match (&self.links.source, self.links.places.get(id)) {
            (Some(source), Some(place)) => problem.file(source).at(*place, "this link"),
            _ => problem,
        }
    }

    /// Takes over what the validator says of a link: that its values do not fit.
    pub(super) fn link_problem(
        &self,
        code: &'static str,
        id: &str,
        diagnostic: &dyn Diagnostic,
    ) -> Option<Problem> {
        let place = self.links.places.get(id)?;
        // Its places are in the template, where nothing is wrong.
        let problem = Problem::foreign(code, self.links.source.as_ref()?, diagnostic);
        Some(problem.only_at(*place, "this link"))
    }
}

/// The value that a link gives a slot; none where there is neither.
fn value(
    source: &Source,
    template: &Template,
    slot: &SlotId,
    argument: Option<&RawValue>,
    arguments: (usize, usize),
) -> Result<Option<EntityUid>, Problem> {
    let problem = |code, message: String| Problem::error(code, message).file(source);
    let id = template.id();
    match (template.slots().any(|own| own == slot), argument) {
        (true, Some(raw)) => {
            let text: String = parse(source, raw)?;
            let uid = text.parse::<EntityUid>().map_err(|_| {
                let message = format!("`{text}` is no entity");
                let help = r#"write its type and id, as in "Team::\"payments\"""#;
                problem("cedarkey::links::entity", message)
                    .at(place(source, raw), "here")
                    .help(help)
            })?;
            Ok(Some(uid))
        }
        (true, None) => {
            let message = format!("the link gives no `{slot}`, which the template `{id}` has");
            let help = format!(r#"add "{slot}", as in "{slot}": "Team::\"payments\"""#);
            Err(problem("cedarkey::links::slot", message).at(arguments, "here").help(help))
        }
        (false, Some(raw)) => {
            let message = format!("the link gives `{slot}`, which the template `{id}` has not");
            let help = format!("remove it, or write `{slot}` into the head of the template");
            Err(problem("cedarkey::links::slot", message).at(place(source, raw), "here").help(help))
        }
        (false, None) => Ok(None),
    }
}

/// Where a value stands in the file.
fn place(source: &Source, raw: &RawValue) -> (usize, usize) {
    let (text, raw) = (source.text().as_ptr().addr(), raw.get());
    (raw.as_ptr().addr().saturating_sub(text), raw.len())
}

fn parse<'a, T: Deserialize<'a>>(source: &Source, raw: &'a RawValue) -> Result<T, Problem> {
    serde_json::from_str(raw.get())
        .map_err(|error| form(source, place(source, raw).0, raw.get(), &error))
}

/// What is wrong with the form of a part of the file that begins at an offset.
fn form(source: &Source, from: usize, text: &str, error: &serde_json::Error) -> Problem {
    let message = error.to_string();
    let message = message.split(" at line").next().unwrap_or_default();
    let at = from.saturating_add(place::json(text, error));
    let problem = Problem::error("cedarkey::links::form", message).file(source);
    problem
        .at((at.min(source.text().len()), 0), "here")
        .help(r#"write a list of {"template_id": .., "link_id": .., "args": {"?principal": ..}}"#)
}
