//! Cases of the folder `mint`: who asks for which key, and what is to be decided.

use super::Prepared;
use super::file::{Decision, Expectation, MintCase};
use super::native::{Actual, Outcome};
use crate::mint::{Application, MintError, SpiffeId};
use crate::project::Project;
use jiff::Timestamp;

/// Runs the cases of a file that ask for keys.
pub(super) fn run(project: &Project, prepared: &Prepared) -> Vec<Outcome> {
    let outcomes = prepared.mint.iter().map(|(spiffe_id, case)| {
        let actual = decide(project, spiffe_id, case);
        Outcome::new(prepared, &case.name, &case.expect, actual)
    });
    outcomes.collect()
}

fn decide(project: &Project, spiffe_id: &SpiffeId, case: &MintCase) -> Actual {
    let MintCase { issuer, wants, live_keys, now, .. } = case;
    let granted = project.applicant(spiffe_id).and_then(|workload| {
        let application = Application {
            spiffe_id,
            issuer: issuer.as_deref(),
            wanted: wants,
            live_keys: *live_keys,
            now: now.unwrap_or_else(Timestamp::now),
        };
        project.grant(&workload, &application)
    });
    let (decision, errors) = match &granted {
        Ok(_) => (Decision::Allow, Vec::new()),
        Err(MintError::Failed(policies)) => (Decision::Deny, policies.clone()),
        Err(_) => (Decision::Deny, Vec::new()),
    };
    let error = granted.as_ref().err();
    let policies = match &granted {
        Ok(grant) => grant.policies.clone(),
        Err(MintError::Denied { policies, .. }) => policies.clone(),
        Err(_) => Vec::new(),
    };
    Actual {
        decision,
        status: error.map_or(201, MintError::status),
        cause: error.map(MintError::cause),
        policies,
        reason: error.map(ToString::to_string),
        errors,
    }
}

/// What a case expects that there is not.
pub(super) fn problem_of(
    project: &Project,
    expect: &Expectation,
) -> Option<(String, &'static str)> {
    let cause = expect.cause.as_deref();
    if let Some(cause) = cause.filter(|cause| !MintError::CAUSES.contains(cause)) {
        let help = "causes are listed in the documentation; `mint_denied` is the usual";
        return Some((format!("expects the cause `{cause}`, which there is not"), help));
    }
    let known = |id: &&String| !project.mint.as_ref().is_some_and(|mint| mint.has(id));
    let policy = expect.policies.iter().flatten().find(known)?;
    let help = "name policies of the folder `mint` by their `@id`";
    Some((format!("expects the policy `{policy}`, which is not there"), help))
}
