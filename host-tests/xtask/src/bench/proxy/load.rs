//! Sending requests, with the program that is there for it.

use super::contender::Contender;
use super::cores;
use super::stage::Stage;
use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::json;
use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

/// How requests are sent.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// How many connections.
    pub connections: usize,
    /// How many requests are under way on each at a time, in HTTP/2.
    pub streams: usize,
    /// It ends after so many requests,
    pub requests: u64,
    /// or so many seconds.
    pub seconds: f64,
}

/// How it went.
#[derive(Clone, Debug, Deserialize)]
pub struct Outcome {
    /// How many requests were answered.
    pub requests: u64,
    /// How many answers had another status than they must have.
    pub wrong: u64,
    /// What was wrong with the first of them.
    pub complaint: Option<String>,
    /// How long it took.
    pub seconds: f64,
    /// In microseconds.
    pub p50: f64,
    /// In microseconds.
    pub p99: f64,
    /// In microseconds.
    pub p999: f64,
}

// === impl Load ===

impl Load {
    /// One request at a time, so that each takes as long as it takes.
    pub const fn single(seconds: f64) -> Self {
        Self { connections: 1, streams: 1, requests: u64::MAX, seconds }
    }

    /// As many as keep a worker busy.
    pub fn full(stage: &Stage, seconds: f64) -> Self {
        let workers = usize::try_from(stage.setting.workers).unwrap_or(1);
        let (connections, streams) = if stage.setting.http2 { (4, 4) } else { (16, 1) };
        Self { connections: workers.saturating_mul(connections), streams, ..Self::single(seconds) }
    }

    /// Sends them.
    pub fn run(
        &self,
        stage: &Stage,
        contender: &Contender,
        address: SocketAddr,
    ) -> anyhow::Result<Outcome> {
        let plan = json!({
            "address": address,
            "http2": stage.setting.http2,
            "connections": self.connections,
            "streams": self.streams,
            "requests": self.requests,
            "seconds": self.seconds,
            "mix": stage.world.mix(contender, &stage.setting),
        });
        let mut child = cores::on(&stage.cores.load, || {
            let mut command = Command::new(&stage.programs.load);
            Ok(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?)
        })?;
        let mut input = child.stdin.take().context("the input of what sends requests")?;
        input.write_all(&serde_json::to_vec(&plan)?)?;
        drop(input);
        let output = child.wait_with_output()?;
        ensure!(output.status.success(), "what sends requests ended with {}", output.status);
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}
