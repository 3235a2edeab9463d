//! The standard library's case files, on the filter's real module and in a real Envoy. The native
//! engine runs them too, as `cedarkey test`: see `commands.rs`.

mod envoy;
mod wasm;

use cedarkey_compiler::Project;
use cedarkey_compiler::cases::{Case, Decision};
use cedarkey_e2e::Ready;
use cedarkey_host_kit::deployment::{Deployment, Result};
use serde_json::{Value, json};

/// All case files of a new project.
fn ready() -> Result<Vec<Ready>> {
    let deployment = Deployment::new()?;
    let project = Project::load(&deployment.project())?;
    assert!(!project.tests.is_empty());
    // Cases that look back must find a bundle that has not expired, and was there already.
    let more = [("reveal_policies", json!(true)), ("on_stale", json!("serve"))];
    project.tests.iter().map(|name| Ready::new(&project, name, &more)).collect()
}

/// What is wrong with an answer, if anything is.
fn mismatch(case: &Case, status: u16, body: &Value) -> Option<String> {
    let expect = &case.expect;
    if expect.decision == Decision::Allow {
        return (status != 200)
            .then(|| format!("{}: {status} instead of a pass: {body}", case.name));
    }
    // What a caller is told of a revoked key, or a decoy, is what it is told of one that nobody
    // issued.
    let hidden = matches!(expect.cause.as_deref(), Some("decoy_key" | "key_revoked"));
    let cause = if hidden { Some("unknown_key") } else { expect.cause.as_deref() };
    let said = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let told = said("type").trim_start_matches("urn:cedarkey:denied:");
    let policies = || -> Vec<&str> {
        let list = body.get("policies").and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).collect()
    };
    let wrong_status = expect.status.is_some_and(|expected| expected != status) || status == 200;
    let wrong_cause = cause.is_some_and(|cause| cause != told);
    let wrong_policies =
        !hidden && expect.policies.as_ref().is_some_and(|expected| *expected != policies());
    let wrong_reason =
        !hidden && expect.reason.as_ref().is_some_and(|reason| reason != said("detail"));
    let wrong = wrong_status || wrong_cause || wrong_policies || wrong_reason;
    wrong.then(|| format!("{}: {status} {body}", case.name))
}
