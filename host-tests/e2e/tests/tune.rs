//! What the module that ships is tuned for.
//!
//! `BLESS=1 cargo test --workspace --test tune` writes anew what is measured with, which is
//! needed once the format of bundles, or of the configuration, has changed.

use cedarkey_compiler::Project;
use cedarkey_e2e::Ready;
use cedarkey_host_kit::deployment::{Deployment, Result};
use cedarkey_host_kit::tools;
use serde_json::{Value, json};
use std::fs;

#[test]
fn what_ships_is_tuned() -> Result<()> {
    if std::env::var_os("BLESS").is_some() {
        let file = tools::workspace().join("host-tests/kit/src/tools/tune/requests.json");
        fs::write(file, serde_json::to_string_pretty(&measured_with()?)? + "\n")?;
    }
    let section = b"metadata.code.branch_hint";
    let has_hints = |module| -> Result<bool> {
        Ok(fs::read(module)?.windows(section.len()).any(|bytes| bytes == section))
    };
    assert!(has_hints(tools::filter()?)?);
    assert!(!has_hints(tools::faulty_filter()?)?, "this tells whether there would be any anyway");
    Ok(())
}

/// A project of the standard library, and requests as they come: most of them pass.
fn measured_with() -> Result<Value> {
    let deployment = Deployment::new()?;
    let project = Project::load(&deployment.project())?;
    let publisher = ("publisher", json!({ "cluster": "publisher" }));
    let Ready { prepared, config } = Ready::new(&project, "tests/grants.yaml", &[publisher])?;
    let token = |key: &str| prepared.tokens.get(key).cloned().ok_or("there is no such key");
    let (payments, export) = (token("payments")?, token("export")?);
    let bearer = format!("Bearer {payments}");
    // Denials come often enough not to be looked up, and seldom enough not to be expected.
    let requests = [
        request(40, "GET", "/v1/orders/1001", Some(("x-api-key", &payments)), 200),
        request(15, "GET", "/v1/orders/1002?expand=items", Some(("x-api-key", &payments)), 200),
        request(15, "GET", "/v1/orders", Some(("authorization", &bearer)), 200),
        request(5, "GET", "/v1/orders/a%20b", Some(("x-api-key", &payments)), 200),
        request(3, "DELETE", "/v1/orders/1003", Some(("x-api-key", &export)), 403),
        request(3, "GET", "/v1/orders/1004", Some(("x-api-key", &token("unknown")?)), 401),
        request(1, "GET", "/v1/orders/1005", None, 401),
        request(1, "GET", "/v1/orders/1006", Some(("x-api-key", "not-a-key")), 401),
        request(1, "GET", "/nowhere", Some(("x-api-key", &payments)), 403),
        request(1, "GET", "/v1/orders/../admin", Some(("x-api-key", &payments)), 403),
    ];
    // Behind the instant at which the keys begin.
    let now = jiff::Timestamp::now().as_millisecond();
    Ok(json!({ "config": config.to_string(), "now": now, "requests": requests }))
}

fn request(times: u32, method: &str, path: &str, key: Option<(&str, &str)>, status: u16) -> Value {
    let mut headers = vec![
        (":authority", "api.example.com"),
        (":path", path),
        (":method", method),
        (":scheme", "https"),
        ("user-agent", "client/1.0"),
        ("accept", "application/json"),
        ("x-forwarded-proto", "https"),
        ("x-request-id", "6f3a6c1e-9a43-4c1b-8a3c-2d7f0b1c9e55"),
    ];
    headers.extend(key);
    json!({ "times": times, "headers": headers, "status": status })
}
