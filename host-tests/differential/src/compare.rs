//! What Cedar and the engine say to the questions of a case.

use crate::case::Case;
use crate::world::{Unusable, World};
use cedarkey_compiler::facts::Plan;
use cedarkey_compiler::model::{BuildError, Input, build};
use cedarkey_compiler::oracle::{Answer, Cedar, Engine, QuestionError};
use cedarkey_engine::model::{LoadError, Model, ModelImage};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What is done to a compiled model before it is used: nothing, but in tests of the comparison.
pub type Alter<'a> = &'a (dyn Fn(&mut ModelImage) + Sync);

/// Leaves a model as it is.
pub fn unaltered(_: &mut ModelImage) {}

/// What came of a case.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Cedar's answer to each question, as far as they agreed.
    pub answers: Vec<Agreed>,
    /// What is not as it must be; the first such thing.
    pub finding: Option<Finding>,
}

/// An answer that both gave.
#[derive(Debug)]
pub struct Agreed {
    /// The answer.
    pub answer: Answer,
    /// Whether some permit applied, and some forbid determined the answer all the same.
    pub overruled: bool,
}

/// What is not as it must be.
#[derive(Debug, thiserror::Error)]
pub enum Finding {
    /// The answers differ.
    #[error("request {request}: Cedar says {cedar:?}, the engine {engine:?}")]
    Answer {
        /// Which question.
        request: usize,
        /// What Cedar says.
        cedar: Answer,
        /// What the engine says.
        engine: Answer,
    },
    /// The engine does not take the bytes of a model.
    #[error("the bytes of the compiled model are refused: {0}")]
    Bytes(#[from] postcard::Error),
    /// The compiler refuses what Cedar takes.
    #[error("the compiler refuses the case: {}", chain(.0))]
    Compile(#[from] BuildError),
    /// The engine refuses a model that went through bytes.
    #[error("the compiled model is refused: {0}")]
    Load(#[from] LoadError),
    /// Something panics.
    #[error("it panics: {0}")]
    Panic(String),
    /// The engine does not take a question.
    #[error("a question is refused: {0}")]
    Question(#[from] QuestionError),
    /// Cedar does not take the case: a fault of the generator.
    #[error(transparent)]
    Unusable(#[from] Unusable),
}

// === impl Finding ===

impl Finding {
    /// Whether it is the same thing that is wrong.
    pub fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

/// Asks both all questions of a case.
pub fn compare(case: &Case, alter: Alter<'_>) -> Outcome {
    let mut answers = Vec::with_capacity(case.requests.len());
    let all = AssertUnwindSafe(|| {
        let world = World::of(case)?;
        ask(&world, alter, |agreed| answers.push(agreed))
    });
    let finding = match catch_unwind(all) {
        Ok(result) => result.err(),
        Err(panic) => Some(Finding::Panic(message(&*panic))),
    };
    Outcome { answers, finding }
}

/// Asks both all questions, and tells what they agreed on.
///
/// # Errors
///
/// The first thing that is not as it must be.
pub fn ask(world: &World, alter: Alter<'_>, mut agreed: impl FnMut(Agreed)) -> Result<(), Finding> {
    let model = model(image(world)?, alter)?;
    let mut engine = Engine::new(&model);
    let cedar = Cedar::new(&world.entities);
    for (at, (question, request)) in world.questions.iter().enumerate() {
        let expected = cedar.ask(request, &world.policies);
        let found = engine.ask(question, world.guest.as_ref(), None)?;
        if found != expected {
            return Err(Finding::Answer { request: at, cedar: expected, engine: found });
        }
        let overruled = !expected.allow
            && !expected.reasons.is_empty()
            && world.sources.iter().any(|policy| is_permit(policy) && engine.applies(&policy.id));
        agreed(Agreed { answer: expected, overruled });
    }
    Ok(())
}

/// The compiled policies, as they go into a bundle.
///
/// # Errors
///
/// The compiler refuses them.
pub fn image(world: &World) -> Result<ModelImage, BuildError> {
    let built = build(&Input {
        policies: &world.sources,
        entities: &world.store,
        plan: &Plan::none(),
        profiles: &[],
        uids: &[],
        token: Default::default(),
    })?;
    Ok(built.image)
}

/// The compiled policies by way of bytes: what a proxy evaluates has gone through them.
///
/// # Errors
///
/// The engine refuses them.
pub fn model(mut image: ModelImage, alter: Alter<'_>) -> Result<Model, Finding> {
    alter(&mut image);
    let bytes = postcard::to_allocvec(&image)?;
    Ok(Model::load(postcard::from_bytes(&bytes)?)?)
}

fn is_permit(policy: &cedarkey_compiler::model::PolicySource) -> bool {
    policy.json.get("effect").is_some_and(|effect| effect == "permit")
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// What a panic says.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| String::from(*text));
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}
