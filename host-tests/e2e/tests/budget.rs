//! What a request may cost in the filter, as far as that does not depend on the machine: calls to
//! the proxy by kind, allocations, and WebAssembly instructions. `docs/performance.md` says what led to these.
//!
//! `cargo test --workspace --test budget -- --nocapture` prints what was counted.

use cedarkey_compiler::Project;
use cedarkey_e2e::Ready;
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
    /// How often it allocates, exactly: once for the headers that the proxy hands over, and for
    /// an answer its body, its headers, and what the SDK makes of them.
    allocations: u64,
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
            // The key.
            ("proxy_remove_header_map_value", 1),
            // Whose it is, and the id of the decision.
            ("proxy_replace_header_map_value", 3),
        ],
        allocations: 1,
        instructions: 26_193,
    },
    Budget {
        what: "denied by a policy",
        method: "DELETE",
        key: "export",
        status: 403,
        calls: &[
            ("proxy_get_current_time_nanoseconds", 1),
            ("proxy_get_header_map_pairs", 1),
            ("proxy_send_local_response", 1),
        ],
        allocations: 4,
        instructions: 31_125,
    },
    Budget {
        what: "denied for an unknown key",
        method: "GET",
        key: "unknown",
        status: 401,
        calls: DENIED,
        allocations: 4,
        instructions: 13_730,
    },
    Budget {
        what: "denied for want of a key",
        method: "GET",
        key: "none",
        status: 401,
        calls: DENIED,
        allocations: 4,
        instructions: 11_470,
    },
];

#[test]
fn a_request_costs_what_it_may() -> Result<()> {
    let deployment = Deployment::new()?;
    let project = Project::load(&deployment.project())?;
    // Usage is counted with each request where there is a publisher to report it to.
    let publisher = ("publisher", json!({ "cluster": "publisher" }));
    let Ready { prepared, config } = Ready::new(&project, "tests/grants.yaml", &[publisher])?;
    let config = config.to_string();
    let shipped = run(&FilterModule::load_counted(tools::filter()?)?, &config, &prepared.tokens)?;
    // Only this one tells of allocations, which it logs after each request.
    let counting = run(&FilterModule::load(tools::faulty_filter()?)?, &config, &prepared.tokens)?;
    let mut wrong = Vec::new();
    for ((budget, cost), counted) in BUDGETS.iter().zip(shipped).zip(counting) {
        let what = budget.what;
        let allocations = counted.log.first().and_then(|line| line.split(' ').next()?.parse().ok());
        let allocations: u64 = allocations.ok_or("allocations were not counted")?;
        let instructions = cost.instructions.ok_or("instructions were not counted")?;
        let calls = &cost.calls;
        println!("{what}: {instructions} instructions, {allocations} allocations, calls {calls:?}");
        if *calls != budget.calls.iter().copied().collect() {
            wrong.push(format!("{what}: calls {calls:?} instead of {:?}", budget.calls));
        }
        if allocations != budget.allocations {
            wrong.push(format!(
                "{what}: {} instead of {}",
                counted.log.join(", "),
                budget.allocations
            ));
        }
        let off = instructions.abs_diff(budget.instructions) * 100;
        if off > budget.instructions * MARGIN {
            let stated = budget.instructions;
            wrong.push(format!("{what}: {instructions} instructions, {stated} are stated"));
        }
        if !cost.log.is_empty() {
            wrong.push(format!("{what}: it writes to the log: {}", cost.log.join(", ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// What a request cost.
struct Cost {
    calls: BTreeMap<&'static str, u32>,
    instructions: Option<u64>,
    log: Vec<String>,
}

/// Sends a request of each kind through a module.
fn run(
    module: &FilterModule,
    config: &str,
    tokens: &BTreeMap<String, String>,
) -> Result<Vec<Cost>> {
    let mut host = WasmHost::worker(module, &Shared::new())?;
    assert!(host.configure(config)?, "{:?}", host.log());
    let mut costs = Vec::new();
    for budget in &BUDGETS {
        let mut headers = Headers::request(budget.method, "localhost", "/v1/orders/7")
            .with("user-agent", "tests")
            .with("accept", "application/json");
        if let Some(token) = tokens.get(budget.key) {
            headers.add("x-api-key", token);
        }
        let properties = Properties::new().text(&["source", "address"], "127.0.0.1:40000");
        let mut lines = 0;
        // The first of a kind may make room for those that follow.
        for _ in 0..3 {
            lines = host.log().len();
            let status = match host.request(&headers, &properties)? {
                Outcome::Continue { .. } => 200,
                Outcome::Local { status, .. } => status,
                other => return Err(format!("{}: {other:?}", budget.what).into()),
            };
            assert_eq!(status, budget.status, "{}", budget.what);
        }
        costs.push(Cost {
            calls: host.hostcalls().iter().filter(|(name, _)| *name != "proxy_log").collect(),
            instructions: host.instructions(),
            log: host.log().iter().skip(lines).map(|line| line.message.clone()).collect(),
        });
    }
    Ok(costs)
}
