//! Decoys: to whoever uses one it is a key that nobody issued, and operators are told.

use crate::stop::Connection;
use crate::{decided, deploy, every_worker};
use cedarkey_engine::token::mint;
use cedarkey_host_kit::deployment::{Answer, Deployment, Issued, LIMIT, Result, request};
use cedarkey_host_kit::envoy::Envoy;
use cedarkey_host_kit::wait;
use std::time::{Duration, Instant};
use std::{fs, thread};

/// What permits everything to everybody.
const EVERYTHING: &str = "@id(\"everything\")\npermit (principal, action, resource);\n";

fn decoy(deployment: &Deployment) -> Result<Issued> {
    deployment.issue(&["--owner", "team:payments", "--team", "payments", "--decoy"])
}

/// A token in the project's form that nobody issued.
fn unknown() -> Result<String> {
    let mut next = 0_u8;
    Ok(mint("ck", "development", || {
        next = next.wrapping_mul(5).wrapping_add(77);
        next
    })?)
}

/// All that a caller sees, without what differs from request to request.
fn seen(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let mut headers = answer.headers.clone();
    headers.retain(|(name, _)| name != "date");
    let id = answer.json();
    let id = id.get("decision_id").and_then(|id| id.as_str()).unwrap_or_default();
    let body = if id.is_empty() { answer.body.clone() } else { answer.body.replace(id, "") };
    (answer.status, headers, body)
}

#[test]
fn a_decoy_is_answered_as_an_unknown_key_and_told() -> Result<()> {
    let (deployment, reader, envoy) = deploy(&["--reveal-revoked", "--reveal-policies"])?;
    // Whatever policies say.
    fs::write(deployment.project().join("policies/grants/everything.cedar"), EVERYTHING)?;
    let (decoy, revoked) = (decoy(&deployment)?, decoy(&deployment)?);
    deployment.cedarkey(&["keys", "revoke", &revoked.id, "--reason", "tests"])?;
    deployment.push()?;
    let unknown = unknown()?;
    let last = crate::issue(&deployment, "90d")?;
    deployment.push()?;
    every_worker(&envoy, 200, &[("x-api-key", &last.token)])?;
    every_worker(&envoy, 200, &[("x-api-key", &reader.token)])?;

    let path = "/v1/orders/7?api_key=not-to-be-told";
    let ask = |token: &str, more: &[(&str, &str)]| {
        request(&envoy, "GET", path, &[&[("x-api-key", token)], more].concat())
    };
    // What was asked until here is counted by then.
    thread::sleep(Duration::from_secs(1));
    let before = decided(&envoy, "unknown_key", 0)?;
    for more in [&[][..], &[("content-type", "application/grpc")]] {
        let expected = seen(&ask(&unknown, more)?);
        assert_eq!(seen(&ask(&decoy.token, more)?), expected);
        assert_eq!(seen(&ask(&revoked.token, more)?), expected);
        assert!(more.len() == 1 || expected.0 == 401, "{expected:?}");
    }
    assert_eq!(decided(&envoy, "decoy_key", 2)?, 2);
    // A decoy that was revoked is counted as what it is taken for.
    let now = before.saturating_add(4);
    assert_eq!(decided(&envoy, "unknown_key", now)?, now);
    wait::until("the use is told", LIMIT, || {
        (envoy.log().matches("a decoy key was used").count() == 2).then_some(())
    })?;
    let log = envoy.log();
    let line = log.lines().find(|line| line.contains("a decoy key was used")).ok_or("no line")?;
    println!("{line}");
    for part in [
        format!("key={}", decoy.id),
        "source=\"127.0.0.1:".into(),
        "method=\"GET\" path=\"/v1/orders/7\"".into(),
        "[warning]".into(),
    ] {
        assert!(line.contains(&part), "{part}: {line}");
    }
    assert!(!log.contains("not-to-be-told") && !log.contains(&decoy.token), "{log}");
    assert!(!log.contains(&revoked.id), "a decoy that was revoked raises no alarm");

    // However often it is used, the log does not grow without end, and the counter tells how often.
    for _ in 0..100 {
        assert_eq!(ask(&decoy.token, &[])?.status, 401);
    }
    assert_eq!(decided(&envoy, "decoy_key", 102)?, 102);
    let lines = envoy.log().matches("a decoy key was used").count();
    assert!((4..60).contains(&lines), "{lines} lines");
    compare(&envoy, &unknown, &decoy.token)
}

/// How long the answers take, side by side. What there is of a difference is of microseconds; here
/// it is printed, and nothing but a difference that anybody would notice fails.
fn compare(envoy: &Envoy, unknown: &str, decoy: &str) -> Result<()> {
    let mut connections =
        [Connection::open(envoy, unknown)?, Connection::open(envoy, decoy)?].map(|it| (it, vec![]));
    for _ in 0..1000 {
        for (connection, times) in &mut connections {
            let begun = Instant::now();
            assert_eq!(connection.next()?, 401);
            times.push(begun.elapsed());
        }
    }
    let [unknown, decoy] = connections.map(|(_, mut times)| {
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or_default()
    });
    println!("median of 1,000 requests: {unknown:?} for an unknown key, {decoy:?} for a decoy");
    assert!(unknown.abs_diff(decoy) < Duration::from_millis(2), "{unknown:?} {decoy:?}");
    Ok(())
}
