//! Many cases, on all processors.

use crate::case::Case;
use crate::compare::{Alter, Finding, Outcome, compare, unaltered};
use crate::generate;
use crate::tally::Tally;
use crate::world;
use anyhow::anyhow;
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// What is run.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// What all cases follow from.
    pub seed: u64,
    /// How many requests there are to be, at least.
    pub requests: u64,
    /// How many threads there are.
    pub threads: usize,
    /// One in so many cases is given to Cedar's validator, which takes long.
    pub validate: u64,
    /// After so many differences it ends.
    pub enough: u64,
    /// What is done to each compiled model.
    pub alter: Alter<'a>,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Report {
    /// What was counted.
    pub tally: Tally,
    /// The cases that differ, by number.
    pub differences: Vec<Difference>,
    /// How long it took.
    pub took: Duration,
}

/// A case on which the two differ.
#[derive(Debug)]
pub struct Difference {
    /// Its number.
    pub number: u64,
    /// The case.
    pub case: Case,
    /// What is wrong.
    pub finding: Finding,
}

/// How many bytes a case is made of.
const BYTES: usize = 16 * 1024;

/// After so many differences a run ends, if nothing else is said.
const ENOUGH: u64 = 20;

/// Room for policies that nest deep, which Cedar's own code walks recursively.
pub(crate) const STACK: usize = 512 * 1024 * 1024;

// === impl Run ===

impl Run<'_> {
    /// A run in which nothing is altered, on all processors.
    pub fn new(seed: u64, requests: u64) -> Self {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        Self { seed, requests, threads, validate: 16, enough: ENOUGH, alter: &unaltered }
    }

    /// The case of a number.
    pub fn case(&self, number: u64) -> Case {
        generate::case(&self.bytes(number, BYTES))
    }

    /// The bytes that a case is made of, so many of them.
    pub fn bytes(&self, number: u64, count: usize) -> Vec<u8> {
        // Neighbouring numbers share nothing that way.
        let seed = fastrand::Rng::with_seed(self.seed).u64(..) ^ number;
        let mut bytes = vec![0; count];
        fastrand::Rng::with_seed(seed).fill(&mut bytes);
        bytes
    }

    /// Runs it.
    ///
    /// # Errors
    ///
    /// There are no threads to run it in.
    pub fn run(&self) -> anyhow::Result<Report> {
        let start = Instant::now();
        let bar = ProgressBar::new(self.requests);
        let style = "{wide_bar} {human_pos} of {human_len} requests, {eta} left";
        bar.set_style(ProgressStyle::with_template(style)?);
        let (next, differing) = (AtomicU64::new(0), AtomicU64::new(0));
        let mut report = Report::default();
        thread::scope(|scope| {
            let work = || self.work(&bar, &next, &differing);
            let spawn = |_| thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
            let workers = (0..self.threads).map(spawn).collect::<Result<Vec<_>, _>>()?;
            for worker in workers {
                let part = worker.join().map_err(|_| anyhow!("a thread of the run panicked"))?;
                report.tally.add(&part.tally);
                report.differences.extend(part.differences);
            }
            anyhow::Ok(())
        })?;
        bar.finish_and_clear();
        report.differences.sort_by_key(|difference| difference.number);
        report.took = start.elapsed();
        Ok(report)
    }

    fn work(&self, bar: &ProgressBar, next: &AtomicU64, differing: &AtomicU64) -> Report {
        let mut report = Report::default();
        while bar.position() < self.requests && differing.load(Ordering::Relaxed) < self.enough {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let case = self.case(number);
            let Outcome { answers, finding } = compare(&case, self.alter);
            report.tally.count(&case, &answers);
            bar.inc(u64::try_from(answers.len().max(1)).unwrap_or_default());
            if number.checked_rem(self.validate) == Some(0)
                && let Ok(valid) = world::is_valid(&case)
            {
                report.tally.validate(valid);
            }
            if let Some(finding) = finding {
                differing.fetch_add(1, Ordering::Relaxed);
                report.differences.push(Difference { number, case, finding });
            }
        }
        report
    }
}
