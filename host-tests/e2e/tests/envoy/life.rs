//! The life of a key, as proxies see it.

use crate::{deploy, every_worker};
use cedarkey_host_kit::deployment::{Deployment, LIMIT, Result, request};
use cedarkey_host_kit::wait;
use serde_json::Value;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Changes a key, tells proxies, and gives what the command says to programs.
fn change(deployment: &Deployment, arguments: &[&str]) -> Result<Value> {
    let publisher = deployment.publisher()?;
    let push = ["--push", publisher.as_str(), "--format", "json"];
    Ok(serde_json::from_str(&deployment.cedarkey(&[arguments, &push].concat())?)?)
}

#[test]
fn a_suspended_key_comes_back() -> Result<()> {
    let (deployment, reader, envoy) = deploy(&[])?;
    let key = [("x-api-key", reader.token.as_str())];
    every_worker(&envoy, 200, &key)?;
    change(&deployment, &["keys", "suspend", &reader.id, "--reason", "tests"])?;
    every_worker(&envoy, 401, &key)?;
    change(&deployment, &["keys", "resume", &reader.id])?;
    every_worker(&envoy, 200, &key)
}

/// Nobody pushes anything when the overlap is over: its end is in the bundle.
#[test]
fn a_replaced_key_ends_by_itself() -> Result<()> {
    let (deployment, reader, envoy) = deploy(&[])?;
    let old = [("x-api-key", reader.token.as_str())];
    let said = change(&deployment, &["keys", "rotate", &reader.id, "--overlap", "6s"])?;
    let token = said.pointer("/token").and_then(Value::as_str).ok_or("there is no token")?;
    let new = [("x-api-key", token)];
    every_worker(&envoy, 200, &new)?;
    let shown = deployment.cedarkey(&["keys", "show", &reader.id, "--format", "json"])?;
    let ends: Value = serde_json::from_str(&shown)?;
    let ends = ends.pointer("/expires").and_then(Value::as_str).ok_or("it never ends")?;
    let ends = u64::try_from(ends.parse::<jiff::Timestamp>()?.as_second())?;
    let ends = UNIX_EPOCH + Duration::from_secs(ends);

    let (mut accepted, mut late) = (0_u32, 0_u32);
    let refused = wait::until("the old key has ended", LIMIT, || {
        let asked = SystemTime::now();
        let answer = request(&envoy, "GET", "/v1/orders", &old).ok()?;
        match answer.status {
            200 => {
                accepted = accepted.saturating_add(1);
                late = late.saturating_add(u32::from(asked >= ends));
                None
            }
            _ => Some(answer),
        }
    })?;
    assert!(SystemTime::now() >= ends, "it ended too early");
    assert!(accepted > 0, "both are valid during the overlap");
    assert_eq!(late, 0, "accepted after its end");
    assert_eq!(refused.status, 403);
    every_worker(&envoy, 403, &old)?;
    every_worker(&envoy, 200, &new)
}
