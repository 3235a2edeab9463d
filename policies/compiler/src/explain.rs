//! Why a request was decided as it was: each policy whose scope matched, and what kept those from
//! applying that did not.
//!
//! A condition is taken apart at its outermost `&&` (for `unless`, `||`), and each part is compiled
//! as if it were a policy with the same scope. So the engine itself says which part held.

mod parts;
mod values;

use crate::compile::{build_from, routes};
use crate::keys::{Inventory, KeySpec};
use crate::problem::{Problem, Problems, Source};
use crate::project::Project;
use cedarkey_engine::gate::{Call, Gate, Host, OnPolicyError, Session};
use cedarkey_engine::key::{KeyId, KeyRecord, Keys, Unreadable};
use cedarkey_engine::model::{Effect, Model};
use cedarkey_engine::route::Routes;
use cedarkey_engine::token::{self, KeyHash};
use parts::Part;
use values::Values;

/// A policy whose scope matched.
#[derive(Clone, Debug)]
pub struct Considered {
    /// Its id.
    pub id: String,
    /// Permit or forbid.
    pub effect: Effect,
    /// How it came out.
    pub standing: Standing,
    /// How many parts of its conditions were not as it takes.
    pub unmet: usize,
    /// Its file.
    pub source: Option<Source>,
}

/// How a policy came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It applied, by these parts of its conditions.
    Applied(Vec<Remark>),
    /// Its evaluation failed, which in Cedar is as if it were not there.
    Failed(Remark),
    /// Its condition did not hold.
    Unmet(Remark),
}

/// What is to be said of a part of a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The part's place in the policy's file: byte offset and length; the policy's, where the part
    /// cannot be found in the text.
    pub place: Option<(usize, usize)>,
    /// How it came out, in words.
    pub because: String,
    /// The attributes that it reads, with their values, both as Cedar writes them.
    pub values: Vec<(String, String)>,
}

/// The key that is asked about, whatever token is shown.
struct OnlyKey {
    record: KeyRecord,
    revoked: bool,
}

/// What the engine said to a project's policies and their parts.
struct Answers<'a> {
    model: &'a Model,
    session: &'a Session,
}

/// Explains a decision by the policies of a project. `key` is the caller's; the call's credential
/// does not matter.
///
/// # Errors
///
/// Everything that is wrong with the project or the key.
pub fn explain(
    project: &Project,
    key: &KeySpec,
    call: &Call<'_>,
    host: &mut impl Host,
) -> Result<Vec<Considered>, Problems> {
    let settings = &project.settings;
    let inventory = Inventory::new(std::slice::from_ref(key), settings, &project.entities)?;
    let Some((_, record)) = inventory.records.first() else { return Ok(Vec::new()) };
    let keys = OnlyKey { record: *record, revoked: key.revoked };

    let policies = project.policies.sources()?;
    let parts: Vec<_> = policies.iter().map(|policy| Part::of(policy, &project.policies)).collect();
    let mut sources = policies.clone();
    for (number, (policy, parts)) in policies.iter().zip(&parts).enumerate() {
        let alone = |(at, part): (usize, &Part)| part.alone(policy, part_id(number, at));
        sources.extend(parts.iter().enumerate().map(alone));
    }
    sources.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    let built = build_from(project, settings, &inventory.profiles, &sources)?;
    let model = &built.model;
    let routes = Routes::load(routes(project, model)?, model.uid_count())
        .map_err(|error| Problem::error("cedarkey::routes::load", error))?;

    let form = model.token();
    let stand_in = token::mint(&form.prefix, &form.environment, || 0).unwrap_or_default();
    let call = Call { credential: Some(&stand_in), ..*call };
    let gate = Gate { model, routes: &routes, keys: &keys, on_policy_error: OnPolicyError::Cedar };
    let mut session = Session::new();
    // What is decided is nobody's concern here: the parts of conditions have a say in it.
    let _ = gate.check(&call, host, &mut session);

    let answers = Answers { model, session: &session };
    let considered =
        policies.iter().zip(&parts).enumerate().filter_map(|(number, (policy, parts))| {
            let at = answers.find(&policy.id)?;
            let unconditional = parts.is_empty();
            let place = project.policies.place(&policy.id);
            let placed = |remark: Remark| Remark { place: remark.place.or(place), ..remark };
            let parts = || {
                let numbered = parts.iter().enumerate();
                numbered.filter_map(|(at, part)| Some((part, answers.find(&part_id(number, at))?)))
            };
            let mut obstacles = parts().filter_map(|(part, at)| answers.obstacle(part, at));
            let first = obstacles.next();
            let unmet = first.iter().count().saturating_add(obstacles.count());
            let obstacle = || placed(first.unwrap_or_else(|| answers.whole(at)));
            let standing = match (answers.applied(at), answers.error(at)) {
                (true, _) if unconditional => Standing::Applied(vec![placed(Remark::of_scope())]),
                (true, _) => {
                    let met = parts().map(|(part, _)| placed(answers.met(part)));
                    Standing::Applied(met.collect())
                }
                (_, Some(_)) => Standing::Failed(obstacle()),
                (_, None) => Standing::Unmet(obstacle()),
            };
            Some(Considered {
                id: policy.id.clone(),
                effect: model.policy(at)?.effect,
                standing,
                unmet,
                source: project.policies.source(&policy.id).cloned(),
            })
        });
    Ok(considered.collect())
}

// === impl Answers ===

impl Answers<'_> {
    /// A policy of that id, if its scope matched.
    fn find(&self, id: &str) -> Option<u32> {
        let mut candidates = self.session.evaluation().candidates().iter();
        candidates.find(|at| self.model.policy_id(**at) == id).copied()
    }

    fn applied(&self, at: u32) -> bool {
        let evaluation = self.session.evaluation();
        evaluation.permits().contains(&at) || evaluation.forbids().contains(&at)
    }

    fn error(&self, at: u32) -> Option<String> {
        let errors = self.session.evaluation().errors();
        let (_, error) = errors.iter().find(|(of, _)| *of == at)?;
        Some(self.session.describe(self.model, *error))
    }

    /// What is the matter with a part, if anything is.
    fn obstacle(&self, part: &Part, at: u32) -> Option<Remark> {
        let unmet = || part.unmet(self.applied(at)).map(String::from);
        Some(self.remark(part, self.error(at).or_else(unmet)?))
    }

    /// How a part came out that was as its policy takes it.
    fn met(&self, part: &Part) -> Remark {
        self.remark(part, part.met().into())
    }

    fn remark(&self, part: &Part, because: String) -> Remark {
        let values = self.session.query().map(|query| {
            Values { pools: self.session.pools(self.model), query }.read_by(&part.body)
        });
        Remark { place: part.place, because, values: values.unwrap_or_default() }
    }

    /// What is the matter with a policy whose parts do not tell.
    fn whole(&self, at: u32) -> Remark {
        let because = self.error(at).unwrap_or_else(|| "this does not hold".into());
        Remark { place: None, because, values: Vec::new() }
    }
}

/// The id of a part. It has a character that no `@id` of a project has at its beginning.
fn part_id(policy: usize, part: usize) -> String {
    format!("\u{0}{policy} {part}")
}

// === impl OnlyKey ===

impl Keys for OnlyKey {
    fn find(&self, _: &str, _: &KeyHash) -> Result<Option<KeyRecord>, Unreadable> {
        Ok(Some(self.record))
    }

    fn is_revoked(&self, _: &KeyId) -> bool {
        self.revoked
    }
}

// === impl Remark ===

impl Remark {
    /// Of a policy that has no conditions.
    fn of_scope() -> Self {
        let because = "its scope matched, and it has no condition".into();
        Self { place: None, because, values: Vec::new() }
    }
}

// === impl Considered ===

impl Considered {
    /// What kept it from applying, if anything did.
    #[must_use]
    pub fn obstacle(&self) -> Option<&Remark> {
        match &self.standing {
            Standing::Applied(_) => None,
            Standing::Failed(obstacle) | Standing::Unmet(obstacle) => Some(obstacle),
        }
    }

    /// What it came out by: all parts of its conditions, or the one that was not as it takes.
    #[must_use]
    pub fn remarks(&self) -> &[Remark] {
        match &self.standing {
            Standing::Applied(remarks) => remarks,
            Standing::Failed(obstacle) | Standing::Unmet(obstacle) => {
                std::slice::from_ref(obstacle)
            }
        }
    }

    /// How it came out, with the places that tell, to be shown.
    #[must_use]
    pub fn report(&self) -> Problem {
        let effect = self.effect.word();
        let how = match self.standing {
            Standing::Applied(_) => "applied",
            Standing::Failed(_) => "failed",
            Standing::Unmet(_) => "did not apply",
        };
        let message = format_args!("the {effect} `{}` {how}", self.id);
        let mut problem = Problem::advice("cedarkey::explain", message);
        if let Some(source) = &self.source {
            problem = problem.file(source);
        }
        let mut help = Vec::new();
        for Remark { place, because, values } in self.remarks() {
            match place.filter(|_| self.source.is_some()) {
                Some(place) => problem = problem.at(place, because),
                None => help.push(because.clone()),
            }
            help.extend(values.iter().map(|(name, value)| format!("`{name}` is {value}")));
        }
        help.dedup();
        if help.is_empty() { problem } else { problem.help(help.join("\n")) }
    }
}
