//! On the filter's module under wasmtime, whose clock and peers the cases may choose.

use crate::{mismatch, ready};
use cedarkey_compiler::cases::{Case, ClaimCase, Decision, Prepared, RequestCase};
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
        // By their time: what has expired stays expired, also when a clock is set back.
        let at = |case: &&Case| case.request.now.map_or_else(SystemTime::now, instant);
        let mut cases: Vec<_> = ready.prepared.cases.iter().collect();
        cases.sort_by_key(at);
        host.set_now(cases.first().map_or_else(SystemTime::now, at));
        assert!(host.configure(ready.config.to_string())?, "{:?}", host.log());
        for case in &cases {
            let request = &case.request;
            host.set_now(at(case));
            let headers = headers(case, &ready.prepared);
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

#[test]
fn a_key_that_has_expired_stays_so_when_the_clock_is_set_back() -> Result<()> {
    let module = tools::filter()?;
    let mut count = 0;
    for ready in ready()? {
        let allowed = |case: &&Case| {
            case.expect.decision == Decision::Allow && ready.prepared.tokens.contains_key(&case.key)
        };
        for case in ready.prepared.cases.iter().filter(allowed) {
            let now = case.request.now.map_or_else(SystemTime::now, instant);
            let mut host = WasmHost::new(&module)?;
            host.set_now(now);
            assert!(host.configure(ready.config.to_string())?, "{:?}", host.log());
            let mut told = |at| -> Result<Option<String>> {
                host.set_now(at);
                match host.request(&headers(case, &ready.prepared), &properties(&case.request))? {
                    Outcome::Continue { .. } => Ok(None),
                    Outcome::Local { body, .. } => {
                        let body: Value = serde_json::from_slice(&body)?;
                        Ok(body["type"].as_str().map(str::to_owned))
                    }
                    other => Err(format!("{}: {other:?}", case.name).into()),
                }
            };
            assert_eq!(told(now)?, None, "{}", case.name);
            let later = told(now + Duration::from_hours(24 * 10_000))?;
            let expired = Some("urn:cedarkey:denied:key_expired".to_owned());
            // Some have keys that do not expire, for what they show has nothing to do with it.
            if later == expired {
                assert_eq!(told(now)?, expired, "{}", case.name);
                count += 1;
                break;
            }
        }
    }
    assert!(count > 0, "no case has a key that expires");
    Ok(())
}

/// What a case sends.
fn headers(case: &Case, prepared: &Prepared) -> Headers {
    let request = &case.request;
    let mut headers = Headers::request(&request.method, &request.host, &request.path);
    for (name, value) in &request.headers {
        headers.add(name, value);
    }
    if let Some(token) = prepared.tokens.get(&case.key) {
        headers.add("x-api-key", token);
    }
    headers
}
