//! `policies/**/*.cedar`, with the links of `links.json`

mod links;
mod places;

use super::{Files, nesting};
use crate::compile::STACK;
use crate::model::PolicySource;
use crate::problem::{Problem, Problems, Source};
use cedar_policy::{EntityUid, Policy, PolicyId, PolicySet, PolicySetError, Template};
pub(super) use links::FILE as LINKS;
use links::Links;
use miette::Diagnostic;
use std::collections::BTreeMap;
use std::str::FromStr;

/// The policies of a project.
#[derive(Debug)]
pub struct Policies {
    /// All of them, with templates and links, by id: the names that their `@id` gives them, and
    /// those of `links.json`.
    pub set: PolicySet,
    /// The files.
    pub files: Vec<PolicyFile>,
    /// The file of each policy and template and its place there, by id. A link is where its
    /// template is.
    places: BTreeMap<String, (usize, (usize, usize))>,
    links: Links,
}

/// A file with policies.
#[derive(Clone, Debug)]
pub struct PolicyFile {
    /// Its name and text.
    pub source: Source,
}

/// What a policy file is made of.
#[derive(Clone, Copy)]
enum Statement<'a> {
    Policy(&'a Policy),
    Template(&'a Template),
}

// === impl Policies ===

impl Policies {
    /// Reads the policies of a project.
    ///
    /// # Errors
    ///
    /// All files that cannot be parsed, all policies without an id of their own, and all links that
    /// do not fit their template.
    pub(crate) fn load(files: &Files) -> Result<Self, Problems> {
        let mut problems = Problems::new();
        let mut policies = Self::empty();
        problems.extend(policies.read(files, &files.policies()?));
        if policies.files.is_empty() {
            let problem = Problem::error("cedarkey::policy::none", "there are no policies");
            problems.push(problem.help("put `.cedar` files into the folder `policies`"));
        }
        if let Some(Some(source)) = problems.take(files.optional(LINKS)) {
            // A template that could not be read is not to be missed by its links.
            let complete = problems.is_empty();
            problems.take(policies.add_links(source, complete));
        }
        if problems.is_empty() { Ok(policies) } else { Err(problems) }
    }

    /// Reads these files, which are all that there is: no template of theirs has a link.
    ///
    /// # Errors
    ///
    /// All files that cannot be parsed, and all policies without an id of their own.
    pub(crate) fn of_files(files: &Files, names: &[&str]) -> Result<Self, Problems> {
        let mut policies = Self::empty();
        let problems = policies.read(files, names);
        if problems.is_empty() { Ok(policies) } else { Err(problems) }
    }

    fn empty() -> Self {
        Self {
            set: PolicySet::new(),
            files: Vec::new(),
            places: BTreeMap::new(),
            links: Links::default(),
        }
    }

    fn read(&mut self, files: &Files, names: &[&str]) -> Problems {
        let mut problems = Problems::new();
        for name in names {
            let Some(source) = problems.take(files.text(name)) else { continue };
            self.files.push(PolicyFile { source: source.clone() });
            if problems.take(nesting::check(&source, nesting::POLICY)).is_none() {
                continue;
            }
            match PolicySet::from_str(source.text()) {
                Ok(set) => problems.extend(self.add(&set, &source)),
                Err(errors) => problems.extend(
                    errors
                        .iter()
                        .map(|error| Problem::foreign("cedarkey::policy::syntax", &source, error)),
                ),
            }
        }
        problems
    }

    /// The file that a policy is in.
    pub fn source(&self, id: &str) -> Option<&Source> {
        self.places.get(id).and_then(|(file, _)| self.files.get(*file)).map(|file| &file.source)
    }

    /// The place of a policy in its file: byte offset and length.
    pub fn place(&self, id: &str) -> Option<(usize, usize)> {
        self.places.get(id).map(|(_, place)| *place)
    }

    /// A policy in a set of its own; a link with its template.
    pub(crate) fn alone(&self, policy: &Policy) -> Result<PolicySet, Box<PolicySetError>> {
        let mut alone = PolicySet::new();
        match (policy.template_id(), policy.template_links()) {
            (Some(id), Some(values)) => {
                let template = self.set.template(id).cloned();
                if let Some(template) = template {
                    alone.add_template(template)?;
                }
                alone.link(id.clone(), policy.id().clone(), values)?;
            }
            _ => alone.add(policy.clone())?,
        }
        Ok(alone)
    }

    /// Adds to a problem the place of what it is about: a policy, a template, or a link's template.
    pub(crate) fn placed(&self, problem: Problem, id: &str, label: &str) -> Problem {
        match (self.source(id), self.place(id)) {
            (Some(source), Some(place)) => problem.file(source).at(place, label),
            _ => problem,
        }
    }

    /// The same, with the place of an entity that is written there, as the parser has noted it.
    pub(crate) fn named(&self, problem: Problem, id: &str, entity: &EntityUid) -> Problem {
        match (self.source(id), entity.as_ref().loc()) {
            (Some(source), Some(place)) => problem.file(source).at(place, "here"),
            _ => self.placed(problem, id, "here"),
        }
    }

    /// The policies as the model is made from them, ascending by id.
    ///
    /// # Errors
    ///
    /// Where a policy has no JSON form.
    pub fn sources(&self) -> Result<Vec<PolicySource>, Problems> {
        let mut sources = Vec::new();
        for policy in self.set.policies() {
            let id = policy.id().to_string();
            let json = policy.to_json().map_err(|error| {
                Problem::error("cedarkey::policy::json", format_args!("policy `{id}`: {error}"))
            })?;
            let reason = policy.annotation("reason").unwrap_or_default().into();
            sources.push(PolicySource { id, reason, json });
        }
        sources.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        Ok(sources)
    }

    /// Adds the policies and templates of a file.
    fn add(&mut self, set: &PolicySet, source: &Source) -> Vec<Problem> {
        let places = places::of(source.text(), set);
        let statements = set.policies().map(Statement::Policy);
        let statements = statements.chain(set.templates().map(Statement::Template));
        let place = |statement: Statement<'_>| {
            places::number(statement.id()).and_then(|number| places.get(&number)).copied()
        };
        // In the order of the file, so that the later of two alike is the one complained of.
        let mut found: Vec<_> = statements.map(|it| (place(it).unwrap_or_default(), it)).collect();
        found.sort_unstable_by_key(|(place, _)| *place);
        let problems = found
            .into_iter()
            .filter_map(|(place, statement)| self.add_statement(statement, place, source).err());
        problems.collect()
    }

    fn add_statement(
        &mut self,
        statement: Statement<'_>,
        place: (usize, usize),
        source: &Source,
    ) -> Result<(), Problem> {
        let (id, what) = (statement.given_id(), statement.what());
        let label = format!("this {what}");
        if id.trim().is_empty() {
            let message = format_args!("the {what} has no `@id`");
            let problem = Problem::error("cedarkey::policy::id", message);
            let help = match statement {
                Statement::Policy(_) => {
                    "decisions are recorded by policy id: write `@id(\"team.what-it-does\")` above it"
                }
                Statement::Template(_) => {
                    "links name their template: write `@id(\"what-it-does\")` above it"
                }
            };
            return Err(problem.file(source).at(place, label).help(help));
        }
        if let Some((file, first)) = self.places.get(id) {
            let (name, line) = self.line(*file, *first);
            let message = format!("the policy id `{id}` is used twice; first in {name}:{line}");
            let problem = Problem::error("cedarkey::policy::duplicate-id", message).file(source);
            let problem = problem.at(place, label).help("give each policy an `@id` of its own");
            return Err(if name == source.name() {
                problem.at(*first, "the first")
            } else {
                problem
            });
        }
        let file = self.files.len().saturating_sub(1);
        self.places.insert(id.into(), (file, place));
        statement.add_to(&mut self.set).map_err(|error| {
            Problem::error("cedarkey::policy::add", error).file(source).at(place, label)
        })
    }

    /// The name of a file and the line of a place there.
    fn line(&self, file: usize, place: (usize, usize)) -> (&str, usize) {
        let Some(file) = self.files.get(file) else { return ("", 0) };
        (file.source.name(), crate::place::line_number(file.source.text(), place.0))
    }
}

// === impl Statement ===

impl<'a> Statement<'a> {
    /// The id that Cedar gave it.
    fn id(self) -> &'a str {
        match self {
            Self::Policy(policy) => policy.id().as_ref(),
            Self::Template(template) => template.id().as_ref(),
        }
    }

    /// The id that its author gave it.
    fn given_id(self) -> &'a str {
        let id = match self {
            Self::Policy(policy) => policy.annotation("id"),
            Self::Template(template) => template.annotation("id"),
        };
        id.unwrap_or_default()
    }

    fn what(self) -> &'static str {
        match self {
            Self::Policy(_) => "policy",
            Self::Template(_) => "template",
        }
    }

    fn add_to(self, set: &mut PolicySet) -> Result<(), Box<PolicySetError>> {
        let id = PolicyId::new(self.given_id());
        match self {
            Self::Policy(policy) => set.add(policy.new_id(id))?,
            Self::Template(template) => set.add_template(template.new_id(id))?,
        }
        Ok(())
    }
}

/// Chains of operators nest as deep as they are long, and are dropped recursively.
impl Drop for Policies {
    fn drop(&mut self) {
        stacker::grow(STACK, || drop(std::mem::take(&mut self.set)));
    }
}

/// Takes over what the validator says of a policy.
pub(crate) fn policy_problem(
    policies: &Policies,
    code: &'static str,
    id: &str,
    diagnostic: &dyn Diagnostic,
) -> Problem {
    if let Some(problem) = policies.link_problem(code, id, diagnostic) {
        return problem;
    }
    match policies.source(id) {
        Some(source) => Problem::foreign(code, source, diagnostic),
        None => Problem::error(code, diagnostic),
    }
}
