//! Rounds: each contender in turn, and again.

use super::contender::Contender;
use super::load::Load;
use super::stage::{Programs, Stage};
use anyhow::ensure;
use serde::Serialize;
use std::collections::BTreeMap;
use std::slice;

/// What is measured.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// Processor time of Envoy and the contender's service for a request, in microseconds.
    Cpu,
    /// Requests a second, as many at a time as keep a worker busy.
    Rate,
    /// Half of the requests, sent one at a time, take at most so long, in microseconds,
    P50,
    /// of a hundred all but one,
    P99,
    /// and of a thousand all but one.
    P999,
    /// Resident memory of Envoy and the contender's service, in MB.
    Memory,
    /// From the start of the first process until Envoy says that it is ready, in milliseconds.
    Ready,
    /// The size of the module, in KB.
    Module,
}

/// The samples of each contender: one a round.
pub type Samples = BTreeMap<Metric, Vec<f64>>;

/// What was measured of a contender.
#[derive(Clone, Debug)]
pub struct Measured {
    pub contender: Contender,
    pub samples: Samples,
}

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    pub rounds: u32,
    /// How long a turn lasts.
    pub seconds: f64,
}

/// Drives one listener after the other, in an Envoy of its own. Progress goes to standard error.
pub fn turns(stage: &Stage, effort: Effort, all: &mut [Measured]) -> anyhow::Result<()> {
    let contenders: Vec<_> = all.iter().map(|one| one.contender.clone()).collect();
    let running = stage.start(&contenders)?;
    for contender in &contenders {
        anstream::eprintln!("  {}: are its answers right?", contender.name());
        stage.settle(&running, contender)?;
    }
    for round in 1..=effort.rounds {
        anstream::eprintln!("  round {round} of {}", effort.rounds);
        for one in all.iter_mut() {
            let before = running.cpu(&one.contender)?;
            let full = Load::full(stage, effort.seconds);
            let full = stage.load(&running, &one.contender, &full)?;
            let cpu = running.cpu(&one.contender)?.saturating_sub(before);
            ensure!(full.requests > 0, "no request was answered");
            let single = Load::single(effort.seconds);
            let single = stage.load(&running, &one.contender, &single)?;
            one.add(Metric::Cpu, cpu.as_secs_f64() * 1e6 / full.requests as f64);
            one.add(Metric::Rate, full.requests as f64 / full.seconds);
            one.add(Metric::P50, single.p50);
            one.add(Metric::P99, single.p99);
            one.add(Metric::P999, single.p999);
        }
    }
    running.envoy.stop()?;
    Ok(())
}

/// Starts each by itself, for its memory and the time until it is ready. Nothing is sent meanwhile,
/// so it has all cores.
pub fn starts(stage: &Stage, effort: Effort, all: &mut [Measured]) -> anyhow::Result<()> {
    for round in 1..=effort.rounds {
        anstream::eprintln!("  start {round} of {}", effort.rounds);
        for one in all.iter_mut() {
            let running = stage.start_anywhere(slice::from_ref(&one.contender))?;
            stage.settle(&running, &one.contender)?;
            let megabytes = running.resident(&one.contender)? as f64 / f64::from(1 << 20);
            one.add(Metric::Memory, megabytes);
            one.add(Metric::Ready, running.ready.as_secs_f64() * 1000.0);
            running.envoy.stop()?;
        }
    }
    Ok(())
}

// === impl Measured ===

impl Measured {
    /// Of a contender of which nothing is known yet but the size of its module.
    pub fn new(contender: Contender, programs: &Programs) -> anyhow::Result<Self> {
        let mut new = Self { contender, samples: Samples::new() };
        if let Some(size) = programs.module(&new.contender)? {
            new.add(Metric::Module, size as f64 / 1000.0);
        }
        Ok(new)
    }

    fn add(&mut self, metric: Metric, value: f64) {
        self.samples.entry(metric).or_default().push(value);
    }
}
