//! The filter in a real Envoy with two workers.

mod answers;
mod attacks;
mod bulk;
mod delivery;
mod faults;
mod folder;
mod identity;
mod refusals;
mod reload;
mod start;
mod vm;

use cedarkey_host_kit::deployment::{Deployment, Issued, Result, in_force};
use cedarkey_host_kit::envoy::Envoy;

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
