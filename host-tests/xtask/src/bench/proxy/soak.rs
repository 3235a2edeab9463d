//! Whether memory grows under load while bundles are switched.

use super::contender::{Contender, METRICS};
use super::load::Load;
use super::stage::Stage;
use super::world;
use anyhow::{Context, anyhow, ensure};
use cedarkey_host_kit::bulk::Keys;
use serde::Serialize;
use std::time::{Duration, Instant};
use std::{slice, thread};

/// How it went.
#[derive(Clone, Debug, Serialize)]
pub struct Soaked {
    pub requests: u64,
    pub switches: u64,
    pub seconds: f64,
    /// The most resident memory before growth counts, in MB.
    pub early: f64,
    /// The most after that, in MB.
    pub late: f64,
}

/// How often a new bundle comes.
const PERIOD: Duration = Duration::from_secs(1);

/// For so long memory may grow, or for half of the run where that is shorter.
const EARLY: usize = 60;

/// How long it may take at most, in seconds.
const LONGEST: f64 = 3600.0;

/// How much memory may grow after that, as a share of it: pages come and go.
const NOISE: f64 = 0.01;

/// Sends so many requests while every record of the inventory is replaced once a second.
pub fn soak(stage: &Stage, requests: u64) -> anyhow::Result<Soaked> {
    let own = &Contender::Cedarkey;
    let running = stage.start(slice::from_ref(own))?;
    stage.settle(&running, own)?;
    let load = Load { requests, ..Load::full(stage, LONGEST) };
    let begun = Instant::now();
    let mut memory = Vec::new();
    let mut switches = 0_u64;
    let outcome = thread::scope(|scope| {
        let sending = scope.spawn(|| stage.load(&running, own, &load));
        while !sending.is_finished() {
            switches = switches.saturating_add(1);
            let keys = Keys { count: stage.setting.keys, kind: &world::kind, revoked: &[] };
            let version = switches.saturating_add(1);
            let bundle = match switches % 2 {
                0 => stage.template.bundle(version, &keys),
                _ => stage.template.renewed(version, &keys),
            };
            stage.source.publish(&bundle.map_err(|error| anyhow!(error))?);
            memory.push(running.resident(own)? as f64 / f64::from(1 << 20));
            thread::sleep(PERIOD);
        }
        sending.join().map_err(|_| anyhow!("what sends requests has panicked"))?
    })?;
    let name = format!("{METRICS}bundle_version");
    let version =
        running.envoy.stats(&name)?.get(&name).copied().context("the bundle's version")?;
    ensure!(version.saturating_add(2) > switches, "version {version} is in force at the end");
    running.envoy.stop()?;
    let (early, late) = memory.split_at(EARLY.min(memory.len() / 2));
    let most = |of: &[f64]| of.iter().copied().fold(0.0, f64::max);
    Ok(Soaked {
        requests: outcome.requests,
        switches,
        seconds: begun.elapsed().as_secs_f64(),
        early: most(early),
        late: most(late),
    })
}

// === impl Soaked ===

impl Soaked {
    /// Whether memory stayed as it was.
    pub fn is_flat(&self) -> bool {
        self.late <= self.early * (1.0 + NOISE)
    }
}
