//! A publisher as a process.

use crate::project::{Project, Result};
use cedarkey_bundle::Envelope;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

/// A publisher that runs.
pub struct Server {
    /// None once it was told to stop.
    process: Option<Child>,
    pub url: String,
}

/// How long anything may take.
const LIMIT: Duration = Duration::from_secs(20);

impl Server {
    pub fn start(project: &Project) -> Result<Self> {
        Self::start_with(project, &[], |_| ())
    }

    /// Where the arguments say.
    pub fn start_at(project: &Project, arguments: &[&str]) -> Result<Self> {
        Self::start_listening(project, arguments, |_| ())
    }

    /// With these arguments besides, in an environment that may be changed.
    pub fn start_with(
        project: &Project,
        arguments: &[&str],
        change: impl FnOnce(&mut Command),
    ) -> Result<Self> {
        let arguments = [&["--listen", "127.0.0.1:0"], arguments].concat();
        Self::start_listening(project, &arguments, change)
    }

    fn start_listening(
        project: &Project,
        arguments: &[&str],
        change: impl FnOnce(&mut Command),
    ) -> Result<Self> {
        let told = project.path("address");
        // What an earlier one has told is not to be believed.
        let _ = fs::remove_file(&told);
        let mut command = project.command(&["serve", "--usage"]);
        command.args(arguments).arg("--address-file").arg(&told);
        change(&mut command);
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let begin = Instant::now();
        loop {
            if let Ok(address) = fs::read_to_string(&told) {
                return Ok(Self { process: Some(process), url: format!("http://{address}") });
            }
            if process.try_wait()?.is_some() || begin.elapsed() > LIMIT {
                // It may be over already.
                let _ = process.kill();
                let said = process.wait_with_output()?;
                return Err(String::from_utf8_lossy(&said.stderr).into());
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Pushes a project to it, and gives the version.
    pub fn push(&self, project: &Project) -> Result<u64> {
        let said = project.json(&["push", "--to", &self.url])?;
        Ok(said.pointer("/version").and_then(Value::as_u64).ok_or("no version")?)
    }

    /// What its bundle decides about a token that is to read orders.
    pub fn decides(&self, project: &Project, token: &str) -> Result<String> {
        let file = project.path("downloaded.ckb");
        fs::write(&file, self.download("shop")?)?;
        let eval = ["eval", &file.to_string_lossy(), "--token", token, "--path", "/v1/orders/7"];
        Ok(project.run(&eval)?.stdout)
    }

    /// Tells it to stop, and gives its status and what it wrote to standard output.
    pub fn stop(mut self, signal: Signal) -> Result<(Option<i32>, String)> {
        let process = self.process.take().ok_or("it was stopped before")?;
        kill_process(Pid::from_child(&process), signal)?;
        let said = process.wait_with_output()?;
        Ok((said.status.code(), String::from_utf8(said.stdout)?))
    }

    /// The most memory that it ever had, in bytes.
    pub fn peak_memory(&self) -> Result<u64> {
        let process = self.process.as_ref().ok_or("it was stopped before")?;
        let status = fs::read_to_string(format!("/proc/{}/status", process.id()))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = peak.and_then(|peak| peak.trim().strip_suffix(" kB")).ok_or("no peak")?;
        Ok(kilobytes.parse::<u64>()?.saturating_mul(1024))
    }

    /// Ends it without a chance to do anything.
    pub fn kill(self) {
        drop(self);
    }

    /// The bundle that it gives to proxies, as one archive.
    pub fn download(&self, name: &str) -> Result<Vec<u8>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let _ = rustls::crypto::ring::default_provider().install_default();
            let client = reqwest::Client::builder().timeout(LIMIT).build()?;
            let get = async |path: String| -> Result<Vec<u8>> {
                let response = client.get(format!("{}/v1/{path}", self.url)).send().await?;
                Ok(response.error_for_status()?.bytes().await?.to_vec())
            };
            let mut archive = get(format!("bundles/{name}/manifest")).await?;
            let envelope = Envelope::decode_whole(&archive)?;
            for segment in &envelope.manifest().segments {
                archive.extend(get(format!("segments/{}", segment.digest)).await?);
            }
            Ok(archive)
        })
    }
}

impl Drop for Server {
    /// Also where a test fails.
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            // It may be over already.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
