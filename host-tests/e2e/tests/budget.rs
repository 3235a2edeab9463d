//! What a request may cost in the filter, as far as that does not depend on the machine: calls to
//! the proxy by kind, and WebAssembly instructions. `docs/performance.md` says what led to these.
//!
//! `cargo test --workspace --test budget -- --nocapture` prints what was counted.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cedarkey_bundle::SigningKey;
use cedarkey_compiler::Project;
use cedarkey_compiler::cases::{compile, prepare};
use cedarkey_host_kit::deployment::{Deployment, Result};
use cedarkey_host_kit::tools;
use cedarkey_host_kit::wasm_host::{FilterModule, Headers, Outcome, Properties, Shared, WasmHost};
use serde_json::json;
use std::collections::BTreeMap;

/// What a kind of request may cost.
struct Budget {
    what: &'static str,
    method: &'static str,
    key: &'static str,
    status: u32,
    /// The calls to the proxy, exactly.
    calls: &'static [(&'static str, u32)],
    /// WebAssembly instructions, to within [`MARGIN`].
    instructions: u64,
}

/// How far instructions may be from what is stated, in hundredths: compilers differ. What has
/// become cheaper by more than that is to be stated anew, so that it stays so.
const MARGIN: u64 = 10;

/// What a denial takes that comes before any policy.
const DENIED: &[(&str, u32)] = &[
    ("proxy_get_current_time_nanoseconds", 1),
    ("proxy_get_header_map_pairs", 1),
    ("proxy_increment_metric", 1),
    ("proxy_send_local_response", 1),
];

const BUDGETS: [Budget; 4] = [
    Budget {
        what: "allowed",
        method: "GET",
        key: "payments",
        status: 200,
        calls: &[
            ("proxy_get_current_time_nanoseconds", 1),
            ("proxy_get_header_map_pairs", 1),
            // The peer's certificate, for the guardrail `identity`.
            ("proxy_get_property", 1),
            ("proxy_increment_metric", 1),
            // The key.
            ("proxy_remove_header_map_value", 1),
            // Whose it is, and the id of the decision.
            ("proxy_replace_header_map_value", 3),
        ],
        instructions: 65_968,
    },
    Budget {
        what: "denied by a policy",
        method: "DELETE",
        key: "export",
        status: 403,
        calls: &[
            ("proxy_get_current_time_nanoseconds", 1),
            ("proxy_get_header_map_pairs", 1),
            // The peer's certificate, for the guardrail `identity`.
            ("proxy_get_property", 1),
            ("proxy_increment_metric", 1),
            ("proxy_send_local_response", 1),
        ],
        instructions: 78_920,
    },
    Budget {
        what: "denied for an unknown key",
        method: "GET",
        key: "unknown",
        status: 401,
        calls: DENIED,
        instructions: 52_065,
    },
    Budget {
        what: "denied for want of a key",
        method: "GET",
        key: "none",
        status: 401,
        calls: DENIED,
        instructions: 36_859,
    },
];

#[test]
fn a_request_costs_what_it_may() -> Result<()> {
    let deployment = Deployment::new()?;
    let project = Project::load(&deployment.project())?;
    let prepared = prepare(&project, "tests/grants.yaml")?;
    let signer = SigningKey::from_seed([9; 32]);
    let now = jiff::Timestamp::now().as_second();
    let archive = compile(&project, &prepared)?.draft(1, now).sign(&[&signer])?;
    let config = json!({
        "bundle": project.settings.bundle.name,
        "trusted_keys": [signer.public().to_string()],
        "seed": STANDARD.encode(archive.encode()),
        // To which usage is reported: it is counted with each request.
        "publisher": { "cluster": "publisher" },
    });
    let module = FilterModule::load_counted(tools::filter()?)?;
    let mut host = WasmHost::worker(&module, &Shared::new())?;
    assert!(host.configure(config.to_string())?, "{:?}", host.log());
    let lines = host.log().len();
    let mut wrong = Vec::new();
    for budget in BUDGETS {
        let mut headers = Headers::request(budget.method, "localhost", "/v1/orders/7")
            .with("user-agent", "tests")
            .with("accept", "application/json");
        if let Some(token) = prepared.tokens.get(budget.key) {
            headers.add("x-api-key", token);
        }
        let properties = Properties::new().text(&["source", "address"], "127.0.0.1:40000");
        // The first of a kind may make room for those that follow.
        for _ in 0..3 {
            let status = match host.request(&headers, &properties)? {
                Outcome::Continue { .. } => 200,
                Outcome::Local { status, .. } => status,
                other => return Err(format!("{}: {other:?}", budget.what).into()),
            };
            assert_eq!(status, budget.status, "{}", budget.what);
        }
        let calls: BTreeMap<_, _> = host.hostcalls().iter().collect();
        let instructions = host.instructions().ok_or("nothing was counted")?;
        println!("{}: {instructions} instructions, calls {calls:?}", budget.what);
        if calls != budget.calls.iter().copied().collect() {
            wrong.push(format!("{}: calls {calls:?} instead of {:?}", budget.what, budget.calls));
        }
        let off = instructions.abs_diff(budget.instructions) * 100;
        if off > budget.instructions * MARGIN {
            wrong.push(format!(
                "{}: {instructions} instructions, {} are stated",
                budget.what, budget.instructions
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(host.log().len(), lines, "requests write to the log");
    Ok(())
}
