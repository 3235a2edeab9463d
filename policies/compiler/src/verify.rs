//! Translation validation: what was compiled must decide as Cedar does.
//!
//! Each policy is asked questions that its scope matches, with values at and beside the constants
//! that it compares with; Cedar and the compiled form answer. The compiled form sees only the facts
//! that it is said to read, so that the fact plan is validated too. One difference in decision,
//! determining or erroring policies, and there is no bundle.

mod questions;
mod random;
mod values;

use crate::model::{PolicySource, Profile};
use crate::oracle::{Answer, Cedar, Engine, Guest, Question, QuestionError};
use crate::problem::{Problem, Problems};
use crate::project::{Policies, Project};
use cedar_policy::{Entities, Policy, PolicyId, PolicySet, Request};
use cedarkey_engine::model::Model;
use questions::Asker;
use serde_json::{Value as Json, json};

/// How many questions are asked of each policy.
const QUESTIONS: usize = 32;

/// How many policies Cedar may be asked to look at in questions to all policies together, which
/// cost as much as there are policies.
const BUDGET: usize = 1_000_000;

/// A policy with the questions asked of it.
struct Examination {
    id: String,
    /// The policy, by itself.
    alone: PolicySet,
    questions: Vec<Question>,
    guests: Vec<Guest>,
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
        let (questions, guests) = asker.ask(policy, &source.json, number, QUESTIONS);
        let alone =
            project.policies.alone(policy).map_err(|error| unanswered(&source.id, &error))?;
        examinations.push(Examination { id: source.id.clone(), alone, questions, guests });
    }
    let guests = examinations.iter().flat_map(|examination| &examination.guests);
    let entities = store(&project.entities, guests).map_err(|e| unanswered("", &e))?;
    let cedar = Cedar::new(&entities);
    let mut engine = Engine::new(model);
    let whole = whole_set_questions(policies.len());
    let mut problems = Problems::new();
    for examination in &examinations {
        let outcome = examination.run(&cedar, &mut engine, &project.policies, whole);
        match outcome {
            Ok(None) => {}
            Ok(Some((id, question))) => problems.push(difference(project, &id, question)),
            Err(error) => problems.push(unanswered(&examination.id, &error)),
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// How many of a policy's questions are asked of all policies together.
fn whole_set_questions(policies: usize) -> usize {
    let once = policies.saturating_mul(policies);
    BUDGET.checked_div(once).unwrap_or(QUESTIONS).clamp(1, QUESTIONS)
}

// === impl Examination ===

impl Examination {
    /// The first question that is answered differently, and the policy whose fault that is.
    fn run(
        &self,
        cedar: &Cedar<'_>,
        engine: &mut Engine<'_>,
        all: &Policies,
        whole: usize,
    ) -> Result<Option<(String, &Question)>, QuestionError> {
        for (number, question) in self.questions.iter().enumerate() {
            let guest = self.guests.iter().find(|guest| guest.uid == question.principal);
            let request = Cedar::request(question)?;
            let alone = Standing::of_one(&cedar.ask(&request, &self.alone));
            let compiled = engine.ask(question, guest, Some(&self.id))?;
            if alone != Standing::compiled(engine, &compiled, &self.id) {
                return Ok(Some((self.id.clone(), question)));
            }
            if number >= whole {
                continue;
            }
            let together = cedar.ask(&request, &all.set);
            let compiled = engine.ask(question, guest, None)?;
            if together != compiled {
                let blamed = blame(cedar, engine, &request, &compiled, all);
                return Ok(Some((blamed.unwrap_or_else(|| self.id.clone()), question)));
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
    fn compiled(engine: &Engine<'_>, answer: &Answer, id: &str) -> Self {
        Self { applies: engine.applies(id), fails: answer.errors.contains(id) }
    }
}

/// The first policy that stands differently in the engine's last answer than it does in Cedar.
fn blame(
    cedar: &Cedar<'_>,
    engine: &Engine<'_>,
    request: &Request,
    compiled: &Answer,
    all: &Policies,
) -> Option<String> {
    let mut policies: Vec<_> = all.set.policies().map(|p| (p.id().to_string(), p)).collect();
    policies.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    let differs = |(id, policy): (String, &Policy)| {
        let alone = all.alone(policy).ok()?;
        let standing = Standing::of_one(&cedar.ask(request, &alone));
        (standing != Standing::compiled(engine, compiled, &id)).then_some(id)
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
