//! Servers on some cores, the load on another.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Which cores are whose.
#[derive(Clone, Debug)]
pub struct Cores {
    /// Envoy's, and its services'.
    pub servers: Vec<usize>,
    /// That of whatever sends requests.
    pub load: Vec<usize>,
}

// === impl Cores ===

impl Cores {
    /// The last core sends requests, and as many others serve as Envoy has workers. On a machine
    /// with one core both use that.
    pub fn new(workers: u32) -> anyhow::Result<Self> {
        let all = sched_getaffinity(None)?;
        let all: Vec<_> = (0..CpuSet::MAX_CPU).filter(|core| all.is_set(*core)).collect();
        let (load, others) = all.split_last().map_or((None, [].as_slice()), |(load, others)| {
            (Some(*load), if others.is_empty() { all.as_slice() } else { others })
        });
        let workers = usize::try_from(workers)?;
        Ok(Self {
            servers: others.iter().copied().take(workers).collect(),
            load: load.into_iter().collect(),
        })
    }
}

/// Runs `start` on these cores; what it starts stays on them.
pub fn on<T>(cores: &[usize], start: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let before = sched_getaffinity(None)?;
    let mut set = CpuSet::new();
    for core in cores {
        set.set(*core);
    }
    sched_setaffinity(None, &set)?;
    let started = start();
    sched_setaffinity(None, &before)?;
    started
}
