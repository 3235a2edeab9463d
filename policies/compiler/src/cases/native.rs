//! Running cases on the native engine.

use super::{Case, Decision, Expectation, Prepared, RequestCase, compile, mint, prepare};
use crate::explain::{self, Considered};
use crate::problem::{Problem, Problems};
use crate::project::Project;
use cedarkey_bundle::{Bundle, SigningKey};
use cedarkey_engine::ext::ip::IpNet;
use cedarkey_engine::gate::{Call, Claim, Gate, Host, OnPolicyError, Session, Verdict};
use cedarkey_engine::model::ClaimKind;
use cedarkey_engine::token::KeyHash;
use jiff::Timestamp;
use serde::Serialize;

/// How a case came out.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The file.
    pub file: String,
    /// What the case shows.
    pub name: String,
    /// Whether it came out as expected.
    pub passed: bool,
    /// What was expected.
    pub expected: Expectation,
    /// What was decided.
    pub actual: Actual,
    /// Which of the file's requests it is, if it is one.
    #[serde(skip)]
    request: Option<usize>,
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Actual {
    /// Allow or deny.
    pub decision: Decision,
    /// The HTTP status.
    pub status: u16,
    /// The cause of a denial.
    pub cause: Option<&'static str>,
    /// The policies that determined it, ascending.
    pub policies: Vec<String>,
    /// What the caller is told of a denial.
    pub reason: Option<String>,
    /// The policies whose evaluation failed.
    pub errors: Vec<String>,
}

/// A host made of a case.
struct CaseHost<'a>(&'a RequestCase);

/// Runs the cases of a file; `name` is one of [`Project::tests`].
///
/// # Errors
///
/// Everything that keeps the cases from being run.
pub fn run(project: &Project, name: &str) -> Result<Vec<Outcome>, Problems> {
    let prepared = prepare(project, name)?;
    let mut outcomes = answer(&bundle(project, &prepared)?, &prepared);
    outcomes.extend(mint::run(project, &prepared));
    Ok(outcomes)
}

/// Runs cases on a bundle.
#[must_use]
pub fn answer(bundle: &Bundle, prepared: &Prepared) -> Vec<Outcome> {
    let outcomes = prepared.cases.iter().enumerate().map(|(at, case)| {
        let actual = decide(bundle, case, prepared.tokens.get(&case.key).map(String::as_str));
        let outcome = Outcome::new(prepared, &case.name, &case.expect, actual);
        Outcome { request: Some(at), ..outcome }
    });
    outcomes.collect()
}

/// What the policies had to say to the request of a case; nothing where no key of the file asked, or
/// a workload asked for a key.
///
/// # Errors
///
/// Everything that keeps the case from being run.
pub fn explain(project: &Project, outcome: &Outcome) -> Result<Option<Vec<Considered>>, Problems> {
    let prepared = prepare(project, &outcome.file)?;
    let Some(case) = outcome.request.and_then(|at| prepared.cases.get(at)) else { return Ok(None) };
    let hash = prepared.tokens.get(&case.key).map(|token| KeyHash::of(token).to_string());
    let key = prepared.keys.iter().find(|key| Some(&key.hash) == hash.as_ref());
    let Some(key) = key else { return Ok(None) };
    explain::explain(project, key, &call(case, None), &mut CaseHost(&case.request)).map(Some)
}

/// A bundle that went through its bytes, as one in a proxy has.
fn bundle(project: &Project, prepared: &Prepared) -> Result<Bundle, Problems> {
    let bug = |error: &dyn std::fmt::Display| Problem::error("cedarkey::bundle::open", error);
    let draft = compile(project, prepared)?.draft(1, Timestamp::now().as_second());
    let archive = draft.sign(&[&SigningKey::from_seed([1; 32])]).map_err(|error| bug(&error))?;
    let manifest = archive.envelope.manifest().clone();
    Ok(Bundle::open(manifest, archive.segments).map_err(|error| bug(&error))?)
}

fn decide(bundle: &Bundle, case: &Case, token: Option<&str>) -> Actual {
    let gate = Gate {
        model: &bundle.model,
        routes: &bundle.routes,
        keys: bundle,
        on_policy_error: OnPolicyError::Deny,
    };
    let mut session = Session::new();
    let verdict = gate.check(&call(case, token), &mut CaseHost(&case.request), &mut session);
    let evaluation = session.evaluation();
    let ids = |at: &u32| String::from(bundle.model.policy_id(*at));
    let (decision, status, cause, reason) = match &verdict {
        Verdict::Allow(_) => (Decision::Allow, 200, None, None),
        Verdict::Deny(denial) => {
            let reason = denial.reason(&bundle.model).to_owned();
            let cause = denial.cause();
            (Decision::Deny, cause.status(), Some(cause.label()), Some(reason))
        }
    };
    // Permits that were in vain determine nothing.
    let reasons = match decision {
        Decision::Allow => evaluation.reasons(),
        Decision::Deny => evaluation.forbids(),
    };
    Actual {
        decision,
        status,
        cause,
        reason,
        policies: reasons.iter().map(ids).collect(),
        errors: evaluation.errors().iter().map(|(at, _)| ids(at)).collect(),
    }
}

fn call<'a>(case: &'a Case, token: Option<&'a str>) -> Call<'a> {
    Call {
        method: &case.request.method,
        authority: &case.request.host,
        target: &case.request.path,
        credential: token,
    }
}

// === impl Outcome ===

impl Outcome {
    pub(super) fn new(of: &Prepared, name: &str, expected: &Expectation, actual: Actual) -> Self {
        Self {
            file: of.name.clone(),
            name: name.into(),
            passed: actual.meets(expected),
            expected: expected.clone(),
            actual,
            request: None,
        }
    }
}

// === impl Actual ===

impl Actual {
    /// Whether it is all that was expected.
    #[must_use]
    pub fn meets(&self, expected: &Expectation) -> bool {
        let policies = expected.policies.as_ref().is_none_or(|policies| {
            let mut policies = policies.clone();
            policies.sort_unstable();
            policies == self.policies
        });
        policies
            && expected.decision == self.decision
            && expected.status.is_none_or(|status| status == self.status)
            && expected.cause.as_deref().is_none_or(|cause| Some(cause) == self.cause)
            && expected.reason.as_ref().is_none_or(|reason| Some(reason) == self.reason.as_ref())
    }
}

// === impl CaseHost ===

impl Host for CaseHost<'_> {
    fn now(&mut self) -> i64 {
        self.0.now.unwrap_or_else(Timestamp::now).as_millisecond()
    }

    fn header(&mut self, name: &str) -> Option<String> {
        let found = self.0.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone())
    }

    fn source_ip(&mut self) -> Option<IpNet> {
        Some(self.0.source_ip.into())
    }

    fn tls_peer(&mut self) -> Option<String> {
        self.0.tls.peer.clone()
    }

    fn tls_subject(&mut self) -> Option<String> {
        self.0.tls.subject.clone()
    }

    fn claim(&mut self, name: &str, kind: ClaimKind) -> Option<Claim> {
        self.0.claims.get(name)?.as_kind(kind)
    }
}
