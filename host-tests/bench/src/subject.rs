//! Who decides.
//!
//! All that can be made ready is ready: what is measured is the decision. It must be the same from
//! both, and that is checked when they are made.

use crate::workload::Workload;
use cedar_policy::{Authorizer, Entities, PolicyId, PolicySet, Request};
use cedarkey_compiler::facts::Plan;
use cedarkey_compiler::model::{Input, PolicySource, build};
use cedarkey_compiler::oracle::{Cedar as Oracle, Engine as Asker};
use cedarkey_engine::decide::{Evaluation, Query};
use cedarkey_engine::model::Model;
use std::error::Error;

/// `cedar-policy`, ready to be asked.
#[derive(Debug)]
pub struct Cedar {
    authorizer: Authorizer,
    policies: PolicySet,
    entities: Entities,
    requests: Vec<Request>,
}

/// The compiled engine, ready to be asked.
#[derive(Debug)]
pub struct Engine {
    model: Model,
    evaluation: Evaluation,
    requests: Vec<(cedarkey_engine::request::Request, Query)>,
}

/// Both of them, for a workload.
///
/// # Errors
///
/// The workload is malformed, or the two do not agree.
pub fn both(workload: &Workload) -> Result<(Cedar, Engine), Box<dyn Error>> {
    let cedar = Cedar::new(workload)?;
    let engine = Engine::new(&cedar, workload)?;
    Ok((cedar, engine))
}

// === impl Cedar ===

impl Cedar {
    fn new(workload: &Workload) -> Result<Self, Box<dyn Error>> {
        let parsed: PolicySet = workload.policies.parse()?;
        // Ids in the order of the text, as numbers of one width.
        let mut policies = PolicySet::new();
        let mut sorted: Vec<_> = parsed.policies().collect();
        sorted.sort_by_key(|policy| {
            let id = policy.id().to_string();
            id.trim_start_matches("policy").parse::<usize>().unwrap_or(usize::MAX)
        });
        for (at, policy) in sorted.into_iter().enumerate() {
            policies.add(policy.new_id(PolicyId::new(format!("p{at:05}"))))?;
        }
        let requests = workload.questions.iter().map(Oracle::request).collect::<Result<_, _>>()?;
        Ok(Self {
            authorizer: Authorizer::new(),
            policies,
            entities: Entities::from_json_value(workload.entities.clone(), None)?,
            requests,
        })
    }

    /// Decides every request; tells how many are allowed.
    #[inline(never)]
    pub fn decide(&mut self) -> usize {
        let Self { authorizer, policies, entities, requests } = self;
        let answers = requests.iter().map(|r| authorizer.is_authorized(r, policies, entities));
        answers.filter(|answer| answer.decision() == cedar_policy::Decision::Allow).count()
    }
}

// === impl Engine ===

impl Engine {
    fn new(cedar: &Cedar, workload: &Workload) -> Result<Self, Box<dyn Error>> {
        let source = |policy: &cedar_policy::Policy| {
            let id = policy.id().to_string();
            Ok(PolicySource { id, reason: String::new(), json: policy.to_json()? })
        };
        let sources = cedar.policies.policies().map(source);
        let mut policies = sources.collect::<Result<Vec<_>, Box<dyn Error>>>()?;
        policies.sort_by(|a, b| a.id.cmp(&b.id));
        let built = build(&Input {
            policies: &policies,
            entities: &cedar.entities,
            plan: &Plan::none(),
            profiles: &[],
            uids: &[],
            token: Default::default(),
        })?;
        let oracle = Oracle::new(&cedar.entities);
        let mut asker = Asker::new(&built.model);
        let mut requests = Vec::with_capacity(cedar.requests.len());
        for (question, request) in workload.questions.iter().zip(&cedar.requests) {
            let (own, other) =
                (asker.ask(question, None, None)?, oracle.ask(request, &cedar.policies));
            if own != other {
                return Err(format!("{question:?}: {own:?}, but Cedar says {other:?}").into());
            }
            requests.push(Asker::new(&built.model).posed(question)?);
        }
        Ok(Self { model: built.model, evaluation: Evaluation::new(), requests })
    }

    /// Decides every request; tells how many are allowed.
    #[inline(never)]
    pub fn decide(&mut self) -> usize {
        let Self { model, evaluation, requests } = self;
        let mut allowed = 0_usize;
        for (request, query) in requests {
            evaluation.find(model, request, query);
            let decision = evaluation.decide(model, request, query);
            allowed = allowed
                .saturating_add(usize::from(decision == cedarkey_engine::decide::Decision::Allow));
        }
        allowed
    }
}
