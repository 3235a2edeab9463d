//! What proxies have counted arrives at the publisher: all of it, and once.

use crate::{deploy, every_worker};
use cedarkey_host_kit::deployment::{Deployment, LIMIT, Result, request};
use cedarkey_host_kit::envoy::Envoy;
use cedarkey_host_kit::wait;
use serde_json::Value;

/// The counts of a key's requests that the publisher knows: allowed, and denied.
fn known(deployment: &Deployment, key: &str) -> Result<(u64, u64)> {
    let publisher = deployment.publisher()?;
    let said =
        deployment.cedarkey(&["usage", key, "--publisher", &publisher, "--format", "json"])?;
    let said: Value = serde_json::from_str(&said)?;
    let count = |pointer| said.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
    Ok((count("/keys/0/allowed/count"), count("/keys/0/denied/count")))
}

/// Waits until the publisher knows this; it must never know more.
fn arrive(deployment: &Deployment, key: &str, expected: (u64, u64)) -> Result<()> {
    let mut last = (0, 0);
    let arrived = wait::until(&format!("{expected:?} are counted"), LIMIT, || {
        last = known(deployment, key).ok()?;
        let too_many = last.0 > expected.0 || last.1 > expected.1;
        (last == expected || too_many).then_some(last)
    });
    let arrived = arrived.map_err(|late| format!("{late}; there are {last:?}"))?;
    assert_eq!(arrived, expected, "more than there were");
    Ok(())
}

/// Sends so many requests of a kind, over as many connections.
fn send(envoy: &Envoy, times: usize, status: u16, method: &str, token: &str) -> Result<()> {
    for _ in 0..times {
        let answer = request(envoy, method, "/v1/orders", &[("x-api-key", token)])?;
        assert_eq!(answer.status, status);
    }
    Ok(())
}

#[test]
fn every_request_is_counted_once_whatever_becomes_of_the_publisher() -> Result<()> {
    let (mut deployment, reader, envoy) = deploy(&["--usage-every", "1"])?;
    send(&envoy, 60, 200, "GET", &reader.token)?;
    send(&envoy, 15, 403, "POST", &reader.token)?;
    arrive(&deployment, &reader.id, (60, 15))?;
    // One more: what came before does not come again with it.
    send(&envoy, 1, 200, "GET", &reader.token)?;
    arrive(&deployment, &reader.id, (61, 15))?;

    // While the publisher is away nothing is lost, and what it has known it knows afterwards.
    let address = deployment.publisher()?.trim_start_matches("http://").parse()?;
    deployment.unpublish();
    send(&envoy, 20, 200, "GET", &reader.token)?;
    wait::until("a report is delayed", LIMIT, || {
        let stats = envoy.stats("wasmcustom.cedarkey_usage_reports_").ok()?;
        stats.get("wasmcustom.cedarkey_usage_reports_delayed").copied()
    })?;
    send(&envoy, 20, 200, "GET", &reader.token)?;
    deployment.publish(Some(address))?;
    arrive(&deployment, &reader.id, (101, 15))?;
    send(&envoy, 1, 403, "POST", &reader.token)?;
    arrive(&deployment, &reader.id, (101, 16))?;

    // A key that is refused is still seen.
    let publisher = deployment.publisher()?;
    let revoke = ["keys", "revoke", &reader.id, "--reason", "tests", "--push", &publisher];
    deployment.cedarkey(&revoke)?;
    every_worker(&envoy, 401, &[("x-api-key", reader.token.as_str())])?;
    let said = wait::until("its use is seen", LIMIT, || {
        let usage = ["usage", &reader.id, "--publisher", &publisher, "--format", "json"];
        let said: Value = serde_json::from_str(&deployment.cedarkey(&usage).ok()?).ok()?;
        let key = said.pointer("/keys/0")?.clone();
        key.pointer("/causes/key_revoked/count").is_some().then_some(key)
    })?;
    let names = |pointer| {
        let counts = said.pointer(pointer).and_then(Value::as_object);
        counts.map(|counts| counts.keys().cloned().collect::<Vec<_>>()).unwrap_or_default()
    };
    assert_eq!(names("/actions"), ["orders.read"]);
    assert!(names("/networks").is_empty(), "no policy has read where they come from");
    Ok(())
}

#[test]
fn networks_are_counted_where_that_is_wanted() -> Result<()> {
    let options = ["--usage-every", "1", "--usage-networks"];
    let (deployment, reader, envoy) = deploy(&options)?;
    send(&envoy, 5, 200, "GET", &reader.token)?;
    arrive(&deployment, &reader.id, (5, 0))?;
    let publisher = deployment.publisher()?;
    let shown = deployment.cedarkey(&["usage", "--publisher", &publisher])?;
    assert!(shown.contains("127.0.0.0/24"), "{shown}");
    let shown = deployment.cedarkey(&["keys", "show", &reader.id, "--publisher", &publisher])?;
    assert!(shown.contains("last used    20"), "{shown}");
    Ok(())
}
