//! The hints of the module that ships.
//!
//! `BLESS=1 cargo test --workspace --test hints` writes anew what they are measured with, which is
//! needed once the format of bundles, or of the configuration, has changed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cedarkey_bundle::SigningKey;
use cedarkey_compiler::Project;
use cedarkey_compiler::cases::{compile, prepare};
use cedarkey_host_kit::deployment::{Deployment, Result};
use cedarkey_host_kit::tools;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;

#[test]
fn what_ships_has_hints() -> Result<()> {
    if std::env::var_os("BLESS").is_some() {
        let file = tools::workspace().join("host-tests/kit/src/tools/hints/requests.json");
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
    let prepared = prepare(&project, "tests/grants.yaml")?;
    let signer = SigningKey::from_seed([9; 32]);
    let now = jiff::Timestamp::now();
    let archive = compile(&project, &prepared)?.draft(1, now.as_second()).sign(&[&signer])?;
    let config = json!({
        "bundle": project.settings.bundle.name,
        "trusted_keys": [signer.public().to_string()],
        "seed": STANDARD.encode(archive.encode()),
        "publisher": { "cluster": "publisher" },
    });
    let mut requests = Vec::new();
    for number in 0..8 {
        requests.push(request(&prepared.tokens, "GET", number, "payments", 200));
    }
    requests.push(request(&prepared.tokens, "DELETE", 1, "export", 403));
    requests.push(request(&prepared.tokens, "GET", 2, "unknown", 401));
    let now = now.as_millisecond();
    Ok(json!({ "config": config.to_string(), "now": now, "requests": requests }))
}

fn request(
    tokens: &BTreeMap<String, String>,
    method: &str,
    number: u32,
    key: &str,
    status: u16,
) -> Value {
    let token = tokens.get(key);
    let (name, value) = match number % 4 {
        3 => ("authorization", token.map(|token| format!("Bearer {token}"))),
        _ => ("x-api-key", token.cloned()),
    };
    json!({
        "headers": [
            [":authority", "api.example.com"],
            [":path", format!("/v1/orders/100{number}")],
            [":method", method],
            [":scheme", "https"],
            ["user-agent", "client/1.0"],
            ["accept", "application/json"],
            ["x-forwarded-proto", "https"],
            ["x-request-id", "6f3a6c1e-9a43-4c1b-8a3c-2d7f0b1c9e55"],
            [name, value],
        ],
        "status": status,
    })
}
