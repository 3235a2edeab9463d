//! On the filter's module under wasmtime, whose clock and peers the cases may choose.

use crate::{mismatch, ready};
use cedarkey_compiler::cases::{ClaimCase, RequestCase};
use cedarkey_host_kit::deployment::Result;
use cedarkey_host_kit::tools;
use cedarkey_host_kit::wasm_host::{Headers, Outcome, Properties, WasmHost};
use serde_json::Value;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

#[test]
fn every_case_comes_out_in_the_module() -> Result<()> {
    let module = tools::filter()?;
    let mut wrong = Vec::new();
    let mut count = 0;
    for ready in ready()? {
        let mut host = WasmHost::new(&module)?;
        assert!(host.configure(ready.config.to_string())?, "{:?}", host.log());
        for case in &ready.prepared.cases {
            let request = &case.request;
            host.set_now(request.now.map_or_else(SystemTime::now, instant));
            let mut headers = Headers::request(&request.method, &request.host, &request.path);
            for (name, value) in &request.headers {
                headers.add(name, value);
            }
            if let Some(token) = ready.prepared.tokens.get(&case.key) {
                headers.add("x-api-key", token);
            }
            let (status, body) = match host.request(&headers, &properties(request))? {
                Outcome::Continue { .. } => (200, Value::Null),
                Outcome::Local { status, body, .. } => {
                    (u16::try_from(status)?, serde_json::from_slice(&body)?)
                }
                other => return Err(format!("{}: {other:?}", case.name).into()),
            };
            wrong.extend(mismatch(case, status, &body));
            count += 1;
        }
    }
    assert!(count > 10 && wrong.is_empty(), "{count} cases, wrong: {wrong:#?}");
    Ok(())
}

/// What a proxy knows of a request's connection and of its JWT.
fn properties(request: &RequestCase) -> Properties {
    let source = SocketAddr::new(request.source_ip, 40_000).to_string();
    let mut properties = Properties::new().text(&["source", "address"], source);
    for (name, value) in [
        ("uri_san_peer_certificate", &request.tls.peer),
        ("subject_peer_certificate", &request.tls.subject),
    ] {
        if let Some(value) = value {
            properties = properties.text(&["connection", name], value);
        }
    }
    for (name, claim) in &request.claims {
        let filter = "envoy.filters.http.jwt_authn";
        let path = ["metadata", "filter_metadata", filter, "payload", name];
        properties = match claim {
            ClaimCase::Bool(value) => properties.flag(&path, *value),
            // A proxy keeps the numbers of JSON as doubles.
            ClaimCase::Long(value) => properties.text(&path, (*value as f64).to_le_bytes()),
            ClaimCase::String(value) => properties.text(&path, value),
        };
    }
    properties
}

/// All cases are after 1970.
fn instant(at: jiff::Timestamp) -> SystemTime {
    let since = u64::try_from(at.as_millisecond()).unwrap_or_default();
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(since)).unwrap_or_else(SystemTime::now)
}
