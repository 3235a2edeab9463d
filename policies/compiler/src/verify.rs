//! Translation validation: what was compiled must decide as Cedar does.
//!
//! Each policy is asked questions that its scope matches, with values at and beside the constants
//! that it compares with; Cedar and the compiled form answer. The compiled form sees only the facts
//! that it is said to read, so that the fact plan is validated too. One difference in decision,
//! determining or erroring policies, and there is no bundle.

mod questions;
mod random;
mod values;

use crate::compile::STACK;
use crate::model::{PolicySource, Profile};
use crate::oracle::{Answer, Cedar, Engine, Guest, Question};
use crate::problem::{Problem, Problems};
use crate::project::{Policies, Project};
use cedar_policy::{Entities, Policy, PolicyId, Request};
use cedarkey_engine::model::Model;
use questions::{Asker, Interview};
use serde_json::{Value as Json, json};
use std::error::Error;
use std::num::NonZero;
use std::thread;

/// How many questions are asked of each policy.
const QUESTIONS: usize = 32;

/// How many policies Cedar may be asked to look at in questions to all policies together, which
/// cost as much as there are policies.
const BUDGET: usize = 1_000_000;

/// A policy that is to be questioned.
struct Examination<'a> {
    id: &'a str,
    policy: &'a Policy,
    interview: Interview,
}

/// Those who answer, and what they are asked by.
#[derive(Clone, Copy)]
struct Examiner<'a> {
    project: &'a Project,
    asker: &'a Asker<'a>,
    /// The project's entities, and the keys that questions are asked for.
    entities: &'a Entities,
    model: &'a Model,
    /// How many of a policy's questions are asked of all policies together.
    whole: usize,
}

/// Checks that the compiled policies answer as Cedar does.
///
/// # Errors
///
/// The policies that do not.
pub(crate) fn verify(
    project: &Project,
    policies: &[PolicySource],
    profiles: &[Profile],
    model: &Model,
) -> Result<(), Problems> {
    let asker = Asker::new(project, profiles);
    let mut examinations = Vec::with_capacity(policies.len());
    for (number, source) in (0u64..).zip(policies) {
        let Some(policy) = project.policies.set.policy(&PolicyId::new(&source.id)) else {
            continue;
        };
        let interview = asker.interview(policy, &source.json, number);
        examinations.push(Examination { id: &source.id, policy, interview });
    }
    let guests = examinations.iter().flat_map(|examination| &examination.interview.guests);
    let entities = store(&project.entities, guests).map_err(|e| unanswered("", &e))?;
    let whole = whole_set_questions(policies.len());
    let examiner = Examiner { project, asker: &asker, entities: &entities, model, whole };
    let problems = examiner.side_by_side(&examinations);
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// How many of a policy's questions are asked of all policies together.
fn whole_set_questions(policies: usize) -> usize {
    let once = policies.saturating_mul(policies);
    BUDGET.checked_div(once).unwrap_or(QUESTIONS).clamp(1, QUESTIONS)
}

// === impl Examiner ===

impl Examiner<'_> {
    /// Questions policies on all processors; what is wrong is in the order of the policies.
    fn side_by_side(self, examinations: &[Examination<'_>]) -> Problems {
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        let share = examinations.len().div_ceil(processors).max(1);
        let mut problems = Problems::new();
        thread::scope(|scope| {
            let parts = examinations.chunks(share).map(|part| {
                let started = thread::Builder::new().stack_size(STACK);
                (part, started.spawn_scoped(scope, move || self.one_by_one(part)))
            });
            for (part, thread) in parts.collect::<Vec<_>>() {
                // Where there are no threads, there is still this one.
                let found = thread.map(|thread| thread.join());
                problems.extend(match found {
                    Ok(found) => found.unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                    Err(_) => self.one_by_one(part),
                });
            }
        });
        problems
    }

    fn one_by_one(self, examinations: &[Examination<'_>]) -> Vec<Problem> {
        let cedar = Cedar::new(self.entities);
        let mut engine = Engine::new(self.model);
        let outcomes = examinations.iter().filter_map(|examination| {
            match self.examine(examination, &cedar, &mut engine) {
                Ok(found) => found.map(|(id, question)| difference(self.project, &id, &question)),
                Err(error) => Some(unanswered(examination.id, &*error)),
            }
        });
        outcomes.collect()
    }

    /// The first question that is answered differently, and the policy whose fault that is.
    fn examine(
        self,
        examination: &Examination<'_>,
        cedar: &Cedar<'_>,
        engine: &mut Engine<'_>,
    ) -> Result<Option<(String, Question)>, Box<dyn Error>> {
        let Examination { id, policy, interview } = examination;
        let all = &self.project.policies;
        let own = all.alone(policy)?;
        for (number, question) in
            self.asker.ask(policy, interview, QUESTIONS).into_iter().enumerate()
        {
            let guest = interview.guests.iter().find(|guest| guest.uid == question.principal);
            let request = Cedar::request(&question)?;
            let alone = Standing::of_one(&cedar.ask(&request, &own));
            let (applies, fails) = engine.ask_one(&question, guest, id)?;
            if alone != (Standing { applies, fails }) {
                return Ok(Some(((*id).into(), question)));
            }
            if number >= self.whole {
                continue;
            }
            let together = cedar.ask(&request, &all.set);
            if together != engine.ask(&question, guest, None)? {
                let blamed = blame(cedar, engine, &request, all);
                return Ok(Some((blamed.unwrap_or_else(|| (*id).into()), question)));
            }
        }
        Ok(None)
    }
}

/// What a policy says to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Standing {
    applies: bool,
    fails: bool,
}

// === impl Standing ===

impl Standing {
    /// In an answer to one policy by itself.
    fn of_one(answer: &Answer) -> Self {
        Self { applies: !answer.reasons.is_empty(), fails: !answer.errors.is_empty() }
    }

    /// In the last answer of the engine.
    fn compiled(engine: &Engine<'_>, id: &str) -> Self {
        Self { applies: engine.applies(id), fails: engine.fails(id) }
    }
}

/// The first policy that stands differently in the engine's last answer than it does in Cedar.
fn blame(
    cedar: &Cedar<'_>,
    engine: &Engine<'_>,
    request: &Request,
    all: &Policies,
) -> Option<String> {
    let mut policies: Vec<_> = all.set.policies().map(|p| (p.id().to_string(), p)).collect();
    policies.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    let differs = |(id, policy): (String, &Policy)| {
        let alone = all.alone(policy).ok()?;
        let standing = Standing::of_one(&cedar.ask(request, &alone));
        (standing != Standing::compiled(engine, &id)).then_some(id)
    };
    policies.into_iter().find_map(differs)
}

/// The project's entities with guests.
fn store<'a>(
    entities: &Entities,
    guests: impl Iterator<Item = &'a Guest>,
) -> Result<Entities, Box<cedar_policy::entities_errors::EntitiesError>> {
    let uid = |uid: &cedar_policy::EntityUid| json!({ "type": uid.type_name().to_string(), "id": uid.id().unescaped() });
    let guests = guests.map(|guest| {
        let parents: Vec<_> = guest.parents.iter().map(uid).collect();
        json!({ "uid": uid(&guest.uid), "attrs": guest.attrs, "parents": parents })
    });
    let guests: Json = guests.collect();
    entities.clone().add_entities_from_json_value(guests, None).map_err(Box::new)
}

fn difference(project: &Project, id: &str, question: &Question) -> Problem {
    let message = format!("the compiled policy `{id}` does not decide as Cedar does");
    let problem = Problem::error("cedarkey::policy::translation", message);
    let problem = project.policies.placed(problem, id, "this policy");
    let Question { principal, action, resource, context } = question;
    problem.help(format_args!(
        "this is a bug: please report it with the policy and the request {principal}, {action}, {resource}, {context}"
    ))
}

fn unanswered(id: &str, error: &dyn std::error::Error) -> Problem {
    let message = format!("the policy `{id}` cannot be compared with Cedar: {error}");
    Problem::error("cedarkey::policy::translation", message).help("this is a bug: please report it")
}

#[cfg(test)]
mod tests;
