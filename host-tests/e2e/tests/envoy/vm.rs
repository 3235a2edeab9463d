//! A VM of the filter that dies: its requests are answered with an error, and then by another VM
//! that has the bundle in force.

use crate::issue;
use cedarkey_host_kit::deployment::{
    Answer, Deployment, Issued, LIMIT, Result, in_force, request, start,
};
use cedarkey_host_kit::envoy::Envoy;
use cedarkey_host_kit::{tools, wait};

/// A deployment whose filter has faults on demand.
fn deploy() -> Result<(Deployment, Issued, Envoy)> {
    let mut deployment = Deployment::new()?;
    let publisher = deployment.publish(None)?.to_string();
    let reader = issue(&deployment, "90d")?;
    deployment.push()?;
    let config = deployment.render(&["--publisher", &publisher])?;
    let (shipped, faulty) = (tools::filter()?, tools::faulty_filter()?);
    let config = config.replace(&*shipped.to_string_lossy(), &faulty.to_string_lossy());
    let envoy = start(&config)?;
    in_force(&envoy)?;
    Ok((deployment, reader, envoy))
}

fn ask(envoy: &Envoy, token: &str, fault: Option<&str>) -> Result<Answer> {
    let key = ("x-api-key", token);
    match fault {
        Some(fault) => request(envoy, "GET", "/v1/orders", &[key, ("x-cedarkey-fault", fault)]),
        None => request(envoy, "GET", "/v1/orders", &[key]),
    }
}

/// Whether every worker answers so; a new connection each time, so that either may get it.
fn all_answer(envoy: &Envoy, token: &str, status: u16) -> bool {
    (0..50).all(|_| ask(envoy, token, None).is_ok_and(|answer| answer.status == status))
}

#[test]
fn a_worker_whose_vm_dies_fails_closed_and_comes_back() -> Result<()> {
    let (deployment, reader, envoy) = deploy()?;
    let mut allowed = deployment.upstream.requests();
    for round in 0..3 {
        // The request that kills it, although its key is good.
        let answer = ask(&envoy, &reader.token, Some("request"))?;
        assert_eq!(answer.status, 503, "{answer:?}");
        assert_eq!(deployment.upstream.requests(), allowed, "round {round}");
        // While one is dead nothing passes that should not, and what should passes or fails.
        wait::until("every worker is back", LIMIT, || {
            let answer = ask(&envoy, "not-a-key", None).ok()?;
            assert!(matches!(answer.status, 401 | 503), "{answer:?}");
            let answer = ask(&envoy, &reader.token, None).ok()?;
            assert!(matches!(answer.status, 200 | 503), "{answer:?}");
            all_answer(&envoy, &reader.token, 200).then_some(())
        })?;
        allowed = deployment.upstream.requests();
    }
    let stats = envoy.stats("wasm")?;
    let reloads = stats.iter().find(|(name, _)| name.ends_with("vm_reload_success"));
    assert!(reloads.is_some_and(|(_, count)| *count >= 3), "{stats:?}");

    // They hear of what is new.
    let publisher = deployment.publisher()?;
    let revoke = ["keys", "revoke", &reader.id, "--reason", "tests", "--push", &publisher];
    deployment.cedarkey(&revoke)?;
    wait::until("every worker refuses", LIMIT, || {
        all_answer(&envoy, &reader.token, 401).then_some(())
    })?;
    Ok(())
}

#[test]
fn when_the_vm_that_fetches_dies_another_fetches() -> Result<()> {
    let (deployment, reader, envoy) = deploy()?;
    // Either worker has served a request from now on, so that the main thread's VM holds the lease.
    assert!(all_answer(&envoy, &reader.token, 200));
    wait::until("the main thread's VM is dead", LIMIT, || {
        ask(&envoy, &reader.token, Some("idle")).ok()?;
        let log = envoy.log();
        (log.contains("proxy_on_tick") && log.contains("unreachable")).then_some(())
    })?;
    let publisher = deployment.publisher()?;
    let revoke = ["keys", "revoke", &reader.id, "--reason", "tests", "--push", &publisher];
    deployment.cedarkey(&revoke)?;
    wait::until("every worker refuses", LIMIT, || {
        all_answer(&envoy, &reader.token, 401).then_some(())
    })?;
    Ok(())
}
