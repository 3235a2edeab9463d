//! On the filter's module under wasmtime, whose clock and peers the cases may choose.

use crate::{mismatch, ready};
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
            let source = SocketAddr::new(request.source_ip, 40_000).to_string();
            let properties = Properties::new().text(&["source", "address"], source);
            let (status, body) = match host.request(&headers, &properties)? {
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

/// All cases are after 1970.
fn instant(at: jiff::Timestamp) -> SystemTime {
    let since = u64::try_from(at.as_millisecond()).unwrap_or_default();
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(since)).unwrap_or_else(SystemTime::now)
}
