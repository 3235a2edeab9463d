//! Many keys: two bundles are never mixed, and only what differs is moved.

use cedarkey_host_kit::bulk::{Keys, Template};
use cedarkey_host_kit::deployment::{Deployment, LIMIT, Result, in_force, request, start};
use cedarkey_host_kit::envoy::Envoy;
use cedarkey_host_kit::source::Source;
use cedarkey_host_kit::wait;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

/// Enough for several shards.
const KEYS: u64 = 20_000;

/// A project with a key that may read orders and one that may not. Their owners decide which of
/// them has the first profile.
pub fn template(owners: [&str; 2]) -> Result<(Deployment, Template)> {
    let deployment = Deployment::new()?;
    let [may, may_not] = owners;
    let member = ["--team", "payments", "--expires", "90d", "--owner"];
    let reader = deployment.issue(&[&member[..], &[may, "--scope", "orders:read"]].concat())?;
    let other = deployment.issue(&[&member[..], &[may_not]].concat())?;
    let template = Template::new(&deployment, &[&reader, &other])?;
    Ok((deployment, template))
}

/// An Envoy for a project that takes its bundles from a source.
fn envoy(deployment: &Deployment, template: &Template, source: &Source) -> Result<Envoy> {
    let publisher = source.address().to_string();
    let config = deployment.render(&["--publisher", &publisher])?;
    start(&template.configure(&config))
}

/// Whether a version is in force in every VM, which have all switched so many times.
fn switched(envoy: &Envoy, version: u64, times: u64) -> Option<()> {
    let stats = envoy.stats("wasmcustom.cedarkey_").ok()?;
    let stat = |name: &str| stats.get(&format!("wasmcustom.cedarkey_{name}")).copied();
    (stat("bundle_version") == Some(version) && stat("load_ok") >= Some(times.saturating_mul(3)))
        .then_some(())
}

/// In both bundles every even key may and every odd one may not. But what is the profile of those
/// that may in one is that of those that may not in the other: whoever takes the keys of one and the
/// policies of the other gets every decision wrong.
#[test]
fn two_bundles_that_contradict_each_other_are_never_mixed() -> Result<()> {
    let (deployment, first) = template(["team:operations", "team:payments"])?;
    let (_other, second) = template(["team:payments", "team:operations"])?;
    let keys = Keys { count: KEYS, kind: &|number| usize::from(number % 2 == 1), revoked: &[] };
    let source = Source::start()?;
    source.publish(&first.bundle(1, &keys)?);
    let envoy = envoy(&deployment, &first, &source)?;
    in_force(&envoy)?;

    let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let address = envoy.listener("api")?;
    let tokens: Arc<Vec<String>> =
        Arc::new((0..KEYS).map(|n| first.token(n)).collect::<Result<_>>()?);
    let clients: Vec<_> = (0..6_usize)
        .map(|client| {
            let (stop, sent, tokens) = (Arc::clone(&stop), Arc::clone(&sent), Arc::clone(&tokens));
            thread::spawn(move || -> Result<()> {
                let config = ureq::Agent::config_builder().http_status_as_error(false);
                let agent = config.timeout_global(Some(LIMIT)).build().new_agent();
                let mut number = client;
                while !stop.load(Ordering::Relaxed) {
                    // Keys that were seen before, and others.
                    number = (number * 31 + 7) % tokens.len();
                    let number = if client % 2 == 0 { number % 64 } else { number };
                    let token = tokens.get(number).map_or("", String::as_str);
                    let url = format!("http://{address}/v1/orders");
                    let mut answer = agent.get(url).header("x-api-key", token).call()?;
                    let body = answer.body_mut().read_to_string()?;
                    let expected = if number % 2 == 0 { 200 } else { 403 };
                    if answer.status() != expected {
                        return Err(format!("key {number}: {} {body}", answer.status()).into());
                    }
                    sent.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            })
        })
        .collect();
    for version in 2..=7 {
        let template = if version % 2 == 0 { &second } else { &first };
        let before = sent.load(Ordering::Relaxed);
        source.publish(&template.bundle(version, &keys)?);
        wait::until("the next bundle is in force", LIMIT, || switched(&envoy, version, version))?;
        wait::until("requests go on", LIMIT, || {
            (sent.load(Ordering::Relaxed) > before + 50).then_some(())
        })?;
    }
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.join().map_err(|_| "a client has panicked")??;
    }
    Ok(())
}

#[test]
fn a_revocation_moves_what_differs_and_no_more() -> Result<()> {
    let (deployment, template) = template(["team:operations", "team:payments"])?;
    let source = Source::start()?;
    let bundle = template.bundle(1, &Keys { count: KEYS, kind: &|_| 0, revoked: &[] })?;
    source.publish(&bundle);
    let envoy = envoy(&deployment, &template, &source)?;
    in_force(&envoy)?;
    let received = || {
        let name = "cluster.cedarkey_publisher.upstream_cx_rx_bytes_total";
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(envoy.stats(name)?.get(name).copied())
    };
    let before = received()?;
    assert!(before > Some(1_500_000), "{before:?}");
    source.publish(&template.revoke(2, &bundle, &[5])?);
    wait::until("the revocation is in force", LIMIT, || switched(&envoy, 2, 2))?;
    let moved = received()?.zip(before).map(|(after, before)| after - before);
    assert!(moved.is_some_and(|moved| moved < 4_000), "{moved:?}");
    let ask = |number| -> Result<u16> {
        let token = template.token(number)?;
        Ok(request(&envoy, "GET", "/v1/orders", &[("x-api-key", &token)])?.status)
    };
    for _ in 0..10 {
        assert_eq!((ask(5)?, ask(6)?), (401, 200));
    }

    // What the publisher is told of this proxy.
    let poll = wait::until("the next poll", LIMIT, || {
        let poll = source.last_poll();
        let active = poll.get("x-cedarkey-active")?.to_str().ok()?;
        active.starts_with("2;since=").then_some(poll.clone())
    })?;
    assert!(poll.contains_key("x-cedarkey-filter"));
    assert!(!poll.contains_key("x-cedarkey-error"));
    Ok(())
}
