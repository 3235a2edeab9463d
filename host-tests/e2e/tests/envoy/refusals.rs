//! What a publisher must not be able to do: each try is refused, counted by its cause, and leaves
//! the bundle that was good in force.

use crate::issue;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use cedarkey_host_kit::deployment::{Deployment, LIMIT, Result, request, start};
use cedarkey_host_kit::upstream::Upstream;
use cedarkey_host_kit::wait;
use std::fs;

/// A publisher that answers every poll with the same bytes.
fn publisher(status: u16, body: Vec<u8>) -> Result<Upstream> {
    let status = StatusCode::from_u16(status)?;
    let answer = get(move || async move { (status, [("etag", "\"x\"")], body) });
    Ok(Upstream::serve(Router::new().route("/v1/bundles/quickstart/manifest", answer))?)
}

/// Runs the filter on a good seed with a publisher that gives this answer; it must be refused for
/// this cause, and the seed must stay in force.
fn refused(deployment: &Deployment, status: u16, body: Vec<u8>, cause: &str) -> Result<()> {
    let reader = issue(deployment, "90d")?;
    let seed = deployment.file("seed.ckb");
    let seed = seed.to_string_lossy();
    deployment.cedarkey(&["build", "-o", &seed, "--bundle-version", "1000"])?;
    let bad = publisher(status, body)?;
    let address = bad.address().to_string();
    let envoy = start(&deployment.render(&["--seed", &seed, "--publisher", &address])?)?;
    let name = format!("wasmcustom.cedarkey_load_{cause}");
    wait::until(&format!("`{name}` is counted"), LIMIT, || {
        envoy.stats(&name).ok()?.get(&name).filter(|count| **count > 0).copied()
    })?;
    let key = [("x-api-key", reader.token.as_str())];
    for _ in 0..10 {
        assert_eq!(request(&envoy, "GET", "/v1/orders", &key)?.status, 200, "{cause}");
        assert_eq!(request(&envoy, "POST", "/v1/orders", &key)?.status, 403, "{cause}");
    }
    let version = envoy.stats("wasmcustom.cedarkey_bundle_version")?;
    assert_eq!(version.values().copied().collect::<Vec<_>>(), [1000], "{cause}");
    Ok(())
}

/// The envelope of the project's bundle, as it is built now.
fn envelope(deployment: &Deployment, version: &str) -> Result<Vec<u8>> {
    let file = deployment.file("other.ckb");
    let shown = file.to_string_lossy();
    deployment.cedarkey(&["build", "-o", &shown, "--bundle-version", version])?;
    let (envelope, length) = cedarkey_bundle::Envelope::decode(&fs::read(&file)?)?;
    assert!(length > 0);
    Ok(envelope.encode())
}

#[test]
fn garbage_a_refusal_and_silence_are_no_bundles() -> Result<()> {
    let deployment = Deployment::new()?;
    refused(&deployment, 200, b"<html>welcome</html>".to_vec(), "damaged")?;
    refused(&deployment, 200, Vec::new(), "damaged")?;
    refused(&deployment, 404, Vec::new(), "status")?;
    refused(&deployment, 500, b"oops".to_vec(), "status")?;
    Ok(())
}

#[test]
fn an_older_version_is_refused() -> Result<()> {
    let deployment = Deployment::new()?;
    let older = envelope(&deployment, "999")?;
    refused(&deployment, 200, older, "old_version")
}

#[test]
fn a_truncated_or_changed_envelope_is_refused() -> Result<()> {
    let deployment = Deployment::new()?;
    let mut good = envelope(&deployment, "2000")?;
    let short = good.iter().copied().take(good.len() - 1).collect();
    refused(&deployment, 200, short, "damaged")?;
    if let Some(last) = good.last_mut() {
        *last ^= 1;
    }
    refused(&deployment, 200, good, "bad_signature")
}

#[test]
fn a_bundle_signed_by_another_is_refused() -> Result<()> {
    let stranger = Deployment::new()?;
    let forged = envelope(&stranger, "2000")?;
    refused(&Deployment::new()?, 200, forged, "unknown_signer")
}

#[test]
fn a_good_envelope_whose_segments_are_not_to_be_had_changes_nothing() -> Result<()> {
    let deployment = Deployment::new()?;
    issue(&deployment, "90d")?;
    let good = envelope(&deployment, "2000")?;
    refused(&deployment, 200, good, "status")
}
