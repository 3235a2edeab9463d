//! `cargo xtask bench keys`

use crate::steps::heading;
use anyhow::{Context, anyhow};
use cedarkey_host_kit::bulk::{Keys as Bulk, Template};
use cedarkey_host_kit::deployment::{Deployment, Issued};
use cedarkey_host_kit::envoy::{Envoy, Options};
use cedarkey_host_kit::source::Source;
use cedarkey_host_kit::{usage, wait};
use clap::Args;
use std::time::Duration;

/// How much memory Envoy takes for many keys, by how many workers it has.
#[derive(Args, Debug)]
pub struct Keys {
    /// How many keys the bundle has
    #[arg(long, default_value_t = 1_000_000)]
    keys: u64,
    /// The numbers of workers
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2, 4, 8])]
    workers: Vec<u32>,
}

/// How long loading may take.
pub const LIMIT: Duration = Duration::from_secs(300);

/// How many keys are looked up before memory is measured: more than a VM remembers.
const LOOKED_UP: u64 = 40_000;

impl Keys {
    /// Runs it.
    pub fn run(self) -> anyhow::Result<bool> {
        heading("get ready");
        let (deployment, template) = template()?;
        let small = bundle(&template, 1, 1)?;
        let large = bundle(&template, 2, self.keys)?;
        let third = renewed(&template, 3, self.keys)?;

        heading(&format!("Envoy's resident memory (MB) with 1 key and with {}", self.keys));
        anstream::println!("workers    1 key     many    added   loaded in   after another");
        for workers in self.workers {
            let source = Source::start()?;
            source.publish(&small);
            let envoy = start(&deployment, &template, &source, workers)?;
            loaded(&envoy, 1)?;
            let before = resident(&envoy)?;
            let begun = std::time::Instant::now();
            source.publish(&large);
            loaded(&envoy, self.keys)?;
            let took = begun.elapsed();
            look_up(&envoy, &template, self.keys)?;
            let after = resident(&envoy)?;
            source.publish(&third);
            loaded(&envoy, self.keys)?;
            std::thread::sleep(Duration::from_secs(6));
            let switched = resident(&envoy)?;
            anstream::println!(
                "{workers:>7} {before:>8.1} {after:>8.1} {:>8.1} {:>9.1} s {switched:>12.1}",
                after - before,
                took.as_secs_f64(),
            );
            envoy.stop()?;
        }
        Ok(true)
    }
}

/// A project with a key that may read orders, and a template of it.
pub fn template() -> anyhow::Result<(Deployment, Template)> {
    let boxed = |error: Box<dyn std::error::Error + Send + Sync>| anyhow!(error);
    let deployment = Deployment::new().map_err(boxed)?;
    let reader = reader(&deployment)?;
    let template = Template::new(&deployment, &[&reader]).map_err(boxed)?;
    Ok((deployment, template))
}

fn reader(deployment: &Deployment) -> anyhow::Result<Issued> {
    let arguments = [
        "--owner",
        "team:payments",
        "--team",
        "payments",
        "--scope",
        "orders:read",
        "--expires",
        "90d",
    ];
    deployment.issue(&arguments).map_err(|error| anyhow!(error))
}

/// A bundle with so many keys of that kind.
pub fn bundle(
    template: &Template,
    version: u64,
    count: u64,
) -> anyhow::Result<cedarkey_bundle::Archive> {
    let keys = Bulk { count, kind: &|_| 0, revoked: &[] };
    template.bundle(version, &keys).map_err(|error| anyhow!(error))
}

/// A bundle with the same keys, in which every record is another.
pub fn renewed(
    template: &Template,
    version: u64,
    count: u64,
) -> anyhow::Result<cedarkey_bundle::Archive> {
    let keys = Bulk { count, kind: &|_| 0, revoked: &[] };
    template.renewed(version, &keys).map_err(|error| anyhow!(error))
}

/// An Envoy that gets its bundles from a source.
pub fn start(
    deployment: &Deployment,
    template: &Template,
    source: &Source,
    workers: u32,
) -> anyhow::Result<Envoy> {
    let publisher = source.address().to_string();
    let config = deployment.render(&["--publisher", &publisher]).map_err(|error| anyhow!(error))?;
    let options = Options { workers, ..Options::default() };
    Ok(Envoy::start(&template.configure(&config), &options)?)
}

/// Waits until a bundle with so many keys is in force in all VMs.
fn loaded(envoy: &Envoy, keys: u64) -> anyhow::Result<()> {
    let stat = |name: &str| envoy.stats(name).ok()?.get(name).copied();
    let workers = stat("server.concurrency").context("the number of workers")?;
    let before = stat("wasmcustom.cedarkey_load_ok").unwrap_or(0);
    let expected = before.checked_div(workers.saturating_add(1)).unwrap_or(0).saturating_add(1);
    let expected = expected.saturating_mul(workers.saturating_add(1));
    wait::until("every VM has the bundle in force", LIMIT, || {
        let is_there = stat("wasmcustom.cedarkey_bundle_keys") == Some(keys);
        (is_there && stat("wasmcustom.cedarkey_load_ok") >= Some(expected)).then_some(())
    })?;
    Ok(())
}

/// Looks up many keys, so that every worker remembers as many as it ever does.
fn look_up(envoy: &Envoy, template: &Template, keys: u64) -> anyhow::Result<()> {
    let address = envoy.listener("api")?;
    let threads: Vec<_> = (0..16_u64)
        .map(|thread| {
            let tokens = (0..LOOKED_UP.min(keys)).filter(move |number| number % 16 == thread);
            let tokens: Vec<_> = tokens.filter_map(|number| template.token(number).ok()).collect();
            std::thread::spawn(move || -> Result<(), ureq::Error> {
                let agent = ureq::agent();
                for token in tokens {
                    let url = format!("http://{address}/v1/orders");
                    agent.get(url).header("x-api-key", token).call()?.body_mut().read_to_vec()?;
                }
                Ok(())
            })
        })
        .collect();
    for thread in threads {
        thread.join().map_err(|_| anyhow!("a thread has panicked"))??;
    }
    Ok(())
}

/// The resident memory of a process, in MB.
fn resident(envoy: &Envoy) -> anyhow::Result<f64> {
    Ok(usage::resident(envoy.id())? as f64 / f64::from(1 << 20))
}
