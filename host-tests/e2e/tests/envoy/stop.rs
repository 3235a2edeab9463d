//! When a token must stop: found by a scanner, on connections that stay open, and when whoever it
//! belongs to is gone.

use crate::{deploy, every_worker, issue};
use cedarkey_host_kit::deployment::{Deployment, LIMIT, Result, in_force};
use cedarkey_host_kit::envoy::Envoy;
use cedarkey_host_kit::wait;
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use std::fs;
use std::time::Instant;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

/// An HTTP/2 connection that stays open, with a key that every request presents.
pub struct Connection {
    runtime: Runtime,
    sender: SendRequest<Empty<Bytes>>,
    token: String,
}

// === impl Connection ===

impl Connection {
    pub fn open(envoy: &Envoy, token: &str) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let listener = envoy.listener("api")?;
        let sender = runtime.block_on(async {
            let stream = TokioIo::new(TcpStream::connect(listener).await?);
            let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await?;
            tokio::spawn(connection);
            Result::Ok(sender)
        })?;
        Ok(Self { runtime, sender, token: token.into() })
    }

    /// The status of the next request. A connection that was closed is an error.
    pub fn next(&mut self) -> Result<u16> {
        let request = hyper::Request::builder()
            .uri("http://api/v1/orders")
            .header("x-api-key", &self.token)
            .body(Empty::new())?;
        self.runtime.block_on(async {
            let answer = self.sender.send_request(request).await?;
            let status = answer.status().as_u16();
            answer.into_body().collect().await?;
            Ok(status)
        })
    }

    /// Waits for a request that is answered with a status; all before are answered with 200.
    pub fn until(&mut self, status: u16) -> Result<()> {
        let mut other = None;
        wait::until(&format!("a request is answered with {status}"), LIMIT, || {
            match self.next() {
                Ok(200) => None,
                Ok(found) if found == status => Some(()),
                found => {
                    other = Some(format!("{found:?}"));
                    Some(())
                }
            }
        })?;
        other.map_or(Ok(()), |other| Err(format!("{other} instead of {status}").into()))
    }
}

/// Runs a command that tells proxies at once.
fn pushed(deployment: &Deployment, arguments: &[&str]) -> Result<String> {
    let publisher = deployment.publisher()?;
    deployment.cedarkey(&[arguments, &["--push", &publisher]].concat())
}

#[test]
fn a_key_that_a_scanner_has_found_is_refused() -> Result<()> {
    let (deployment, reader, envoy) = deploy(&[])?;
    let mut connection = Connection::open(&envoy, &reader.token)?;
    assert_eq!(connection.next()?, 200);
    let found = deployment.file("found.json");
    let finding =
        json!([{ "RuleID": "cedarkey", "Secret": reader.token, "File": "run.sh", "StartLine": 3 }]);
    fs::write(&found, finding.to_string())?;

    let begun = Instant::now();
    let said = pushed(&deployment, &["leak", "report", &found.to_string_lossy()])?;
    connection.until(401)?;
    println!("from the finding to the first denial: {} ms", begun.elapsed().as_millis());
    assert!(said.contains(&format!("revoked {}", reader.id)), "{said}");
    assert!(said.contains("tell team:payments"), "{said}");
    every_worker(&envoy, 401, &[("x-api-key", &reader.token)])?;
    let shown = deployment.cedarkey(&["keys", "show", &reader.id, "--format", "json"])?;
    let shown: Value = serde_json::from_str(&shown)?;
    let reason = shown.pointer("/reason").and_then(Value::as_str);
    assert_eq!(reason, Some("leaked: found by gitleaks (cedarkey) in run.sh:3"));
    Ok(())
}

/// A push that failed, or was not asked for, can be made by saying the same again.
#[test]
fn a_finding_that_was_answered_is_pushed_later() -> Result<()> {
    let (deployment, reader, envoy) = deploy(&[])?;
    let found = deployment.file("found.json");
    fs::write(&found, json!([{ "RuleID": "cedarkey", "Secret": reader.token }]).to_string())?;
    let report = ["leak", "report", &found.to_string_lossy()];
    deployment.cedarkey(&report)?;
    every_worker(&envoy, 200, &[("x-api-key", &reader.token)])?;
    pushed(&deployment, &report)?;
    every_worker(&envoy, 401, &[("x-api-key", &reader.token)])
}

#[test]
fn a_revocation_reaches_a_connection_that_is_open() -> Result<()> {
    let (deployment, reader, envoy) = deploy(&[])?;
    let mut connection = Connection::open(&envoy, &reader.token)?;
    assert_eq!(connection.next()?, 200);
    pushed(&deployment, &["keys", "revoke", &reader.id, "--reason", "tests"])?;
    connection.until(401)?;
    assert_eq!(connection.next()?, 401);
    Ok(())
}

#[test]
fn a_key_expires_on_a_connection_that_is_open() -> Result<()> {
    let mut deployment = Deployment::new()?;
    deployment.publish(None)?;
    let envoy = deployment.envoy(&[])?;
    let reader = issue(&deployment, "6s")?;
    deployment.push()?;
    in_force(&envoy)?;
    let mut connection = Connection::open(&envoy, &reader.token)?;
    assert_eq!(connection.next()?, 200);
    connection.until(403)?;
    assert_eq!(connection.next()?, 403);
    Ok(())
}

#[test]
fn the_keys_of_a_workload_end_with_it() -> Result<()> {
    let (deployment, reader, envoy) = deploy(&[])?;
    let scope = ["--owner", "team:payments", "--scope", "orders:read", "--expires", "90d"];
    let workload = ["--team", "payments", "--workload", "nightly-export"];
    let exporter = deployment.issue(&[&scope[..], &workload].concat())?;
    deployment.push()?;
    every_worker(&envoy, 200, &[("x-api-key", &exporter.token)])?;
    pushed(&deployment, &["keys", "retire", "--workload", "nightly-export", "--reason", "tests"])?;
    every_worker(&envoy, 401, &[("x-api-key", &exporter.token)])?;
    // Other workloads' keys go on.
    every_worker(&envoy, 200, &[("x-api-key", &reader.token)])
}

/// Who has departed owns no key: there is no bundle until somebody says what is to become of the
/// keys.
#[test]
fn the_keys_of_an_owner_who_has_departed_end() -> Result<()> {
    let (deployment, reader, envoy) = deploy(&[])?;
    let scope = ["--owner", "alice@example.com", "--scope", "orders:read", "--expires", "90d"];
    let hers = deployment.issue(&[&scope[..], &["--team", "payments"]].concat())?;
    deployment.push()?;
    every_worker(&envoy, 200, &[("x-api-key", &hers.token)])?;

    let file = deployment.project().join("entities.json");
    let mut entities: Vec<Value> = serde_json::from_str(&fs::read_to_string(&file)?)?;
    let alice = entities.iter_mut().find(|entity| {
        entity.pointer("/uid/id").and_then(Value::as_str) == Some("alice@example.com")
    });
    let attributes = alice.and_then(|alice| alice.pointer_mut("/attrs"));
    *attributes.ok_or("alice has no attributes")? = json!({ "departed": true });
    fs::write(&file, serde_json::to_string_pretty(&entities)?)?;
    let refused = deployment.push().map_err(|error| error.to_string());
    assert!(refused.is_err_and(|error| error.contains("owner-departed")));

    let departed = ["--owner", "alice@example.com", "--reason", "departed"];
    pushed(&deployment, &[&["keys", "revoke"], &departed[..]].concat())?;
    every_worker(&envoy, 401, &[("x-api-key", &hers.token)])?;
    every_worker(&envoy, 200, &[("x-api-key", &reader.token)])
}
