//! The filter in a real Envoy with two workers.

mod answers;
mod attacks;
mod bulk;
mod decoy;
mod delivery;
mod faults;
mod folder;
mod identity;
mod leak;
mod life;
mod mint;
mod record;
mod refusals;
mod reload;
mod roots;
mod start;
mod stop;
mod usage;
mod vm;

use cedarkey_host_kit::deployment::{Deployment, Issued, LIMIT, Result, in_force, request};
use cedarkey_host_kit::envoy::Envoy;
use cedarkey_host_kit::wait;

/// A deployment with a reader's key in force on every worker.
fn deploy(arguments: &[&str]) -> Result<(Deployment, Issued, Envoy)> {
    let mut deployment = Deployment::new()?;
    deployment.publish(None)?;
    let reader = issue(&deployment, "90d")?;
    deployment.push()?;
    let envoy = deployment.envoy(arguments)?;
    in_force(&envoy)?;
    Ok((deployment, reader, envoy))
}

/// A key of the team that may read and write orders, with the scope to read.
fn issue(deployment: &Deployment, expires: &str) -> Result<Issued> {
    let member = ["--owner", "team:payments", "--team", "payments", "--scope", "orders:read"];
    deployment.issue(&[&member[..], &["--expires", expires]].concat())
}

/// Waits until every worker gives one answer to a key. Each request is a new connection, which
/// either worker may get.
fn every_worker(envoy: &Envoy, status: u16, key: &[(&str, &str)]) -> Result<()> {
    wait::until(&format!("every worker answers with {status}"), LIMIT, || {
        let answered =
            |_| request(envoy, "GET", "/v1/orders", key).is_ok_and(|a| a.status == status);
        (0..50).all(answered).then_some(())
    })?;
    Ok(())
}

/// How many requests were decided so, once there are so many: workers tell Envoy on their next tick.
fn decided(envoy: &Envoy, outcome: &str, least: u64) -> Result<u64> {
    let name = format!("wasmcustom.cedarkey_decisions_{outcome}");
    let what = format!("{least} requests are counted as {outcome}");
    Ok(wait::until(&what, LIMIT, || {
        envoy.stats(&name).ok()?.get(&name).copied().filter(|count| *count >= least)
    })?)
}
