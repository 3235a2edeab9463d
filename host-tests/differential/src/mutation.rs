//! Faults put into compiled models, to see that a run finds each of them.
//!
//! A fault that is found shows that what it is in is generated, is reached by some request, and
//! tells in the answer. It stands for a fault of the same kind in the compiler or the engine.

mod data;
mod instructions;
mod scopes;

use crate::case::Case;
use crate::compare::{Finding, compare, image, model};
use crate::run::{Run, STACK};
use crate::world::World;
use anyhow::anyhow;
use cedarkey_compiler::oracle::{Answer, Cedar, Engine};
use cedarkey_engine::model::ModelImage;
use serde::Serialize;
use std::thread;

/// A fault.
#[derive(Clone, Copy, Debug)]
pub struct Mutation {
    /// Its name.
    pub name: &'static str,
    /// Puts it into a model.
    pub apply: fn(&mut ModelImage),
}

/// The name of a fault, and what puts it into a model.
type Named = (&'static str, fn(&mut ModelImage));

/// Whether a fault was found.
#[derive(Debug, Serialize)]
pub struct Found {
    /// The fault.
    pub mutation: &'static str,
    /// How many requests were answered until it was found, if it was.
    pub after: Option<u64>,
}

/// All of them.
pub fn all() -> impl Iterator<Item = Mutation> {
    let lists = [data::MUTATIONS, instructions::MUTATIONS, scopes::MUTATIONS];
    let list =
        |(name, apply): &(&'static str, fn(&mut ModelImage))| Mutation { name, apply: *apply };
    lists.into_iter().flatten().map(list).chain(instructions::calls())
}

/// Looks for all faults, in the same cases for all, until each is found or so many requests were
/// answered. Tells of each that is found, with the case.
///
/// # Errors
///
/// There is no thread to do it in.
pub fn hunt(
    seed: u64,
    requests: u64,
    found: impl FnMut(Mutation, u64, &Case) + Send,
) -> anyhow::Result<Vec<Found>> {
    thread::scope(|scope| {
        let work = || hunt_here(seed, requests, found);
        let hunter = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work)?;
        hunter.join().map_err(|_| anyhow!("the thread panicked"))
    })
}

fn hunt_here(seed: u64, requests: u64, mut found: impl FnMut(Mutation, u64, &Case)) -> Vec<Found> {
    let run = Run::new(seed, requests);
    let mut left: Vec<_> = all().collect();
    let mut all = Vec::with_capacity(left.len());
    let mut answered = 0_u64;
    for number in 0.. {
        if left.is_empty() || answered >= requests {
            break;
        }
        let case = run.case(number);
        let Ok(world) = World::of(&case) else { continue };
        let Ok(image) = image(&world) else { continue };
        let cedar = Cedar::new(&world.entities);
        let asked = world.questions.iter();
        let right: Vec<_> = asked.map(|(_, it)| cedar.ask(it, &world.policies)).collect();
        answered = answered.saturating_add(u64::try_from(right.len()).unwrap_or_default());
        left.retain(|mutation| {
            let tells = mutation.tells(&world, &image, &right);
            if tells {
                found(*mutation, answered, &case);
                all.push(Found { mutation: mutation.name, after: Some(answered) });
            }
            !tells
        });
    }
    all.extend(left.iter().map(|mutation| Found { mutation: mutation.name, after: None }));
    all
}

// === impl Mutation ===

impl Mutation {
    /// What a case finds of the fault.
    pub fn finding(self, case: &Case) -> Option<Finding> {
        compare(case, &|image| (self.apply)(image)).finding
    }

    /// Whether it changes an answer. A model that is not even accepted shows nothing about answers.
    fn tells(self, world: &World, image: &ModelImage, right: &[Answer]) -> bool {
        let Ok(model) = model(image.clone(), &|image| (self.apply)(image)) else { return false };
        let mut engine = Engine::new(&model);
        let mut asked = world.questions.iter().zip(right);
        asked.any(|((question, _), right)| {
            let answer = engine.ask(question, world.guest.as_ref(), None);
            answer.is_ok_and(|answer| answer != *right)
        })
    }
}
