//! How it went.

use hdrhistogram::Histogram;
use serde::Serialize;

/// How it went.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// How many requests were answered.
    pub requests: u64,
    /// How many of the answers were not what they must be.
    pub wrong: u64,
    /// What was wrong with the first of them.
    pub complaint: Option<String>,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Half of the answers took at most so long, in microseconds,
    pub p50: f64,
    /// of a hundred all but one,
    pub p99: f64,
    /// and of a thousand all but one.
    pub p999: f64,
}

/// What is counted while requests are sent.
#[derive(Debug)]
pub struct Count {
    /// How many may still be sent.
    pub left: u64,
    /// The position of the next one.
    pub next: usize,
    wrong: u64,
    complaint: Option<String>,
    /// In nanoseconds.
    times: Histogram<u64>,
}

// === impl Count ===

impl Count {
    /// Nothing yet, of so many.
    pub fn new(left: u64) -> anyhow::Result<Self> {
        // Up to a minute, to a thousandth.
        let times = Histogram::new_with_bounds(100, 60_000_000_000, 3)?;
        Ok(Self { left, next: 0, wrong: 0, complaint: None, times })
    }

    /// An answer.
    pub fn answered(&mut self, nanoseconds: u64, wrong: Option<String>) {
        self.times.saturating_record(nanoseconds);
        if wrong.is_some() {
            self.wrong += 1;
            self.complaint = self.complaint.take().or(wrong);
        }
    }

    /// The result.
    pub fn finish(self, seconds: f64) -> Outcome {
        let at = |share: f64| self.times.value_at_quantile(share) as f64 / 1000.0;
        Outcome {
            requests: self.times.len(),
            wrong: self.wrong,
            seconds,
            p50: at(0.5),
            p99: at(0.99),
            p999: at(0.999),
            complaint: self.complaint,
        }
    }
}
