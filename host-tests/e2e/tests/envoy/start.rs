//! How the filter starts: at once, without a publisher, and not at all.

use crate::{decided, deploy, issue};
use cedarkey_host_kit::deployment::{Deployment, Result, request, request_until, start};
use cedarkey_host_kit::ports;

#[test]
fn a_bad_configuration_does_not_start_and_names_the_field() -> Result<()> {
    let (deployment, _, envoy) = deploy(&[])?;
    drop(envoy);
    let publisher = deployment.publisher()?;
    let publisher = publisher.trim_start_matches("http://");
    let good = deployment.render(&["--publisher", publisher])?;
    for (from, to, named) in [
        ("reveal_policies", "reveal_policy", "unknown field `reveal_policy`"),
        ("ed25519:", "ed25518:", "field `trusted_keys`"),
        ("quickstart", "Quick start", "field `bundle`"),
    ] {
        let bad = good.replace(from, to);
        assert_ne!(bad, good);
        match start(&bad) {
            Ok(envoy) => {
                // Should it run all the same, nothing passes.
                let answer = request(&envoy, "GET", "/v1/orders", &[])?;
                assert!(answer.status >= 500, "{answer:?}");
                return Err(format!("Envoy has started with `{to}`").into());
            }
            Err(error) => assert!(error.to_string().contains(named), "{named}: {error}"),
        }
    }
    Ok(())
}

#[test]
fn without_a_bundle_everything_is_denied_until_there_is_one() -> Result<()> {
    let mut deployment = Deployment::new()?;
    let reader = issue(&deployment, "90d")?;
    let address = format!("127.0.0.1:{}", ports::free()?);
    let envoy = start(&deployment.render(&["--publisher", &address])?)?;
    let key = [("x-api-key", reader.token.as_str())];
    for _ in 0..10 {
        let answer = request(&envoy, "GET", "/v1/orders", &key)?;
        assert_eq!(answer.status, 503, "{answer:?}");
    }
    assert_eq!(decided(&envoy, "no_bundle", 10)?, 10);
    deployment.publish(Some(address.parse()?))?;
    deployment.push()?;
    request_until(&envoy, 200, "GET", "/v1/orders", &key)?;
    assert_eq!(deployment.upstream.requests(), 1);
    Ok(())
}

#[test]
fn a_seed_enforces_at_once_without_a_publisher() -> Result<()> {
    let deployment = Deployment::new()?;
    let reader = issue(&deployment, "90d")?;
    let seed = deployment.file("seed.ckb");
    deployment.cedarkey(&["build", "-o", &seed.to_string_lossy()])?;
    let envoy = start(&deployment.render(&["--seed", &seed.to_string_lossy()])?)?;
    let key = [("x-api-key", reader.token.as_str())];
    assert_eq!(request(&envoy, "GET", "/v1/orders", &key)?.status, 200);
    assert_eq!(request(&envoy, "POST", "/v1/orders", &key)?.status, 403);
    Ok(())
}
