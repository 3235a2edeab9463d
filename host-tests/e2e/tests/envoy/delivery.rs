//! New bundles come into force on every worker; what is good stays when the publisher goes.

use crate::{deploy, every_worker};
use cedarkey_host_kit::deployment::{LIMIT, Result, request, request_until};
use cedarkey_host_kit::wait;

#[test]
fn a_revocation_reaches_every_worker() -> Result<()> {
    let (deployment, reader, envoy) = deploy(&[])?;
    let key = [("x-api-key", reader.token.as_str())];
    assert_eq!(request(&envoy, "GET", "/v1/orders", &key)?.status, 200);
    let publisher = deployment.publisher()?;
    let revoke = ["keys", "revoke", &reader.id, "--reason", "tests", "--push", &publisher];
    deployment.cedarkey(&revoke)?;
    every_worker(&envoy, 401, &key)
}

#[test]
fn the_last_good_bundle_outlives_its_publisher_which_is_found_again() -> Result<()> {
    let (mut deployment, reader, envoy) = deploy(&[])?;
    let key = [("x-api-key", reader.token.as_str())];
    assert_eq!(request(&envoy, "GET", "/v1/orders", &key)?.status, 200);
    let address = deployment.publisher()?.trim_start_matches("http://").parse()?;
    deployment.unpublish();
    wait::until("the filter notices", LIMIT, || {
        let stats = envoy.stats("wasmcustom.cedarkey_load_").ok()?;
        stats
            .get("wasmcustom.cedarkey_load_unreachable")
            .filter(|count| **count > 0)
            .copied()
            .or_else(|| stats.get("wasmcustom.cedarkey_load_status").copied())
    })?;
    for _ in 0..20 {
        assert_eq!(request(&envoy, "GET", "/v1/orders", &key)?.status, 200);
    }
    deployment.publish(Some(address))?;
    deployment.cedarkey(&["keys", "revoke", &reader.id, "--reason", "tests"])?;
    deployment.push()?;
    request_until(&envoy, 401, "GET", "/v1/orders", &key)?;
    Ok(())
}
