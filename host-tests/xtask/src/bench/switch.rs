//! `cargo xtask bench switch`

use super::keys::{LIMIT, bundle, renewed, start, template};
use crate::steps::heading;
use anyhow::{Context, anyhow, ensure};
use cedarkey_host_kit::bulk::Template;
use cedarkey_host_kit::envoy::Envoy;
use cedarkey_host_kit::source::Source;
use cedarkey_host_kit::wait;
use clap::Args;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

/// How soon a push is enforced, and what requests notice of a switch, under load.
///
/// An Envoy with two workers serves requests with many different keys, sent by h2load at a fixed
/// rate, while bundles come: first revocations, then a wholly new inventory.
#[derive(Args, Debug)]
pub struct Switch {
    /// How many keys the bundles have
    #[arg(long, default_value_t = 1_000_000)]
    keys: u64,
    /// How many requests a second
    #[arg(long, default_value_t = 1_000)]
    rate: u32,
    /// How many keys are revoked, one after the other
    #[arg(long, default_value_t = 100)]
    revocations: u64,
    /// How long the quiet time is that the switch is compared with, in seconds
    #[arg(long, default_value_t = 60)]
    quiet: u64,
}

/// How many connections the load has, and how many look whether a key is revoked: with so many,
/// each worker has some.
const CONNECTIONS: [u32; 2] = [16, 8];

/// How many different keys the load uses.
const LOAD_KEYS: u64 = 20_000;

impl Switch {
    /// Runs it.
    pub fn run(self) -> anyhow::Result<bool> {
        heading("get ready");
        ensure!(self.keys > LOAD_KEYS.saturating_add(self.revocations), "there are too few keys");
        h2load_is_there()?;
        let (deployment, template) = template()?;
        let first = bundle(&template, 1, self.keys)?;
        let source = Source::start()?;
        source.publish(&first);
        let envoy = start(&deployment, &template, &source, 2)?;
        let probes = Probes::new(&envoy, &template)?;
        let last = self.keys.saturating_sub(1);
        wait::until("the first bundle is in force", LIMIT, || probes.all(last, 200).then_some(()))?;

        heading("load");
        let folder = tempfile::tempdir()?;
        let log = folder.path().join("log");
        let mut load = self.load(&envoy, &template, &folder.path().join("uris"), &log)?;
        std::thread::sleep(Duration::from_secs(5));
        let quiet = Window::of(Duration::from_secs(self.quiet));

        let mut enforced = Vec::new();
        let received = received(&envoy)?;
        let (mut revoked, mut newest) = (Vec::new(), first.clone());
        let busy = Window::while_doing(|| {
            for number in 0..self.revocations {
                let victim = LOAD_KEYS.saturating_add(number);
                revoked.push(victim);
                let version = number.saturating_add(2);
                newest = template.revoke(version, &newest, &revoked).map_err(|e| anyhow!(e))?;
                ensure!(probes.all(victim, 200), "key {victim} is not valid to begin with");
                let begun = Instant::now();
                source.publish(&newest);
                wait::until("a revocation is enforced", LIMIT, || {
                    probes.all(victim, 401).then_some(())
                })?;
                enforced.push(begun.elapsed());
            }
            Ok(())
        })?;
        let moved = received_since(&envoy, received)?.checked_div(self.revocations).unwrap_or(0);

        // Every record of it differs.
        let second = renewed(&template, self.revocations.saturating_add(2), self.keys)?;
        let switch = Window::while_doing(|| {
            source.publish(&second);
            wait::until("the new bundle is in force", LIMIT, || {
                probes.all(LOAD_KEYS, 200).then_some(())
            })?;
            Ok(())
        })?;
        let release = Window::of(Duration::from_secs(5));
        load.wait()?;

        let requests = read_log(&log)?;
        let failed = requests.iter().filter(|request| request.status != 200).count();
        enforced.sort_unstable();
        let p = |share: usize| {
            enforced.get(enforced.len().saturating_sub(1).saturating_mul(share) / 100)
        };
        anstream::println!("keys                         {:>10}", self.keys);
        anstream::println!("requests                     {:>10}", requests.len());
        anstream::println!("not answered with 200        {failed:>10}");
        anstream::println!("bytes moved a revocation     {moved:>10}");
        for (what, share) in [("p50", 50), ("p99", 99), ("max", 100)] {
            let time = p(share).copied().unwrap_or_default().as_millis();
            anstream::println!("push to enforced, {what}        {time:>10} ms");
        }
        let mut p99s = Vec::new();
        for (what, window) in [
            ("quiet", &quiet),
            ("revocations", &busy),
            ("wholly new bundle", &switch),
            ("old one released", &release),
        ] {
            let (count, p50, p99) = window.latency(&requests);
            let seconds = window.length().as_secs_f64();
            anstream::println!(
                "{what:<20} {seconds:>6.1} s {count:>8} requests, p50 {p50:>6} µs, p99 {p99:>6} µs"
            );
            p99s.push(p99);
        }
        let ratio = match p99s.as_slice() {
            [quiet, _, switch, _] if *quiet > 0 => *switch as f64 / *quiet as f64,
            _ => f64::NAN,
        };
        anstream::println!("p99 of the switch to that of the quiet time: {ratio:.2}");
        let soon = p(99).is_some_and(|time| *time < Duration::from_secs(1));
        let good = failed == 0 && moved <= 100_000 && soon && ratio <= 2.0;
        anstream::println!("{}", if good { "all as it should be" } else { "NOT as it should be" });
        envoy.stop()?;
        Ok(good)
    }

    /// Starts to send requests with many keys, at a fixed rate.
    fn load(
        &self,
        envoy: &Envoy,
        template: &Template,
        uris: &std::path::Path,
        log: &std::path::Path,
    ) -> anyhow::Result<Load> {
        let mut text = String::new();
        let address = envoy.listener("api")?;
        for number in 0..LOAD_KEYS {
            let token = template.token(number).map_err(|error| anyhow!(error))?;
            writeln!(text, "http://{address}/v1/orders?api_key={token}")?;
        }
        std::fs::write(uris, text)?;
        let [connections, _] = CONNECTIONS;
        let each = self.rate.div_ceil(connections).max(1);
        let child = Command::new("h2load")
            .args(["--h1", "--clients", &connections.to_string(), "--rps", &each.to_string()])
            .args(["--duration", "3600", "--threads", "1"])
            .arg("--log-file")
            .arg(log)
            .arg("--input-file")
            .arg(uris)
            .stdout(Stdio::null())
            .spawn()
            .context("h2load")?;
        Ok(Load(child))
    }
}

/// Requests under way; dropped, they end.
struct Load(std::process::Child);

impl Load {
    fn wait(&mut self) -> anyhow::Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        let _ = self.wait();
    }
}

/// Connections that each stay with one worker.
struct Probes<'a> {
    agents: Vec<ureq::Agent>,
    address: SocketAddr,
    template: &'a Template,
}

impl<'a> Probes<'a> {
    fn new(envoy: &Envoy, template: &'a Template) -> anyhow::Result<Self> {
        let [_, count] = CONNECTIONS;
        let agent = || {
            let config = ureq::Agent::config_builder().http_status_as_error(false);
            config.timeout_global(Some(Duration::from_secs(10))).build().new_agent()
        };
        let agents = (0..count).map(|_| agent()).collect();
        Ok(Self { agents, address: envoy.listener("api")?, template })
    }

    /// Whether a request with this key gets this answer on each connection.
    fn all(&self, key: u64, status: u16) -> bool {
        let Ok(token) = self.template.token(key) else { return false };
        let url = format!("http://{}/v1/orders", self.address);
        self.agents.iter().all(|agent| {
            let answer = agent.get(&url).header("x-api-key", &token).call();
            answer.is_ok_and(|mut answer| {
                let read = answer.body_mut().read_to_vec();
                read.is_ok() && answer.status().as_u16() == status
            })
        })
    }
}

/// A request of the load.
struct Request {
    /// In microseconds since 1970.
    start: u128,
    status: i32,
    /// In microseconds.
    took: u64,
}

fn read_log(log: &std::path::Path) -> anyhow::Result<Vec<Request>> {
    let text = std::fs::read_to_string(log)?;
    // The last line may be cut off.
    let lines = text.lines().filter_map(|line| {
        let mut fields = line.split('\t');
        let start = fields.next()?.parse().ok()?;
        let status = fields.next()?.parse().ok()?;
        Some(Request { start, status, took: fields.next()?.parse().ok()? })
    });
    Ok(lines.collect())
}

/// A stretch of time, in microseconds since 1970.
struct Window(u128, u128);

impl Window {
    fn of(length: Duration) -> Self {
        let start = now();
        std::thread::sleep(length);
        Self(start, now())
    }

    fn while_doing(act: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Self> {
        let start = now();
        act()?;
        Ok(Self(start, now()))
    }

    fn length(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.1.saturating_sub(self.0)).unwrap_or(u64::MAX))
    }

    /// How many requests began in it, and how long half and all but a hundredth of them took at
    /// most, in microseconds.
    fn latency(&self, requests: &[Request]) -> (usize, u64, u64) {
        let within = requests.iter().filter(|r| (self.0..self.1).contains(&r.start));
        let mut times: Vec<_> = within.map(|request| request.took).collect();
        times.sort_unstable();
        let at = |share: usize| {
            let at = times.len().saturating_sub(1).saturating_mul(share) / 100;
            times.get(at).copied().unwrap_or(0)
        };
        (times.len(), at(50), at(99))
    }
}

fn now() -> u128 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_micros()
}

/// The bytes that Envoy has received from the publisher.
fn received(envoy: &Envoy) -> anyhow::Result<u64> {
    let name = "cluster.cedarkey_publisher.upstream_cx_rx_bytes_total";
    envoy.stats(name)?.get(name).copied().context("the bytes received")
}

fn received_since(envoy: &Envoy, before: u64) -> anyhow::Result<u64> {
    Ok(received(envoy)?.saturating_sub(before))
}

fn h2load_is_there() -> anyhow::Result<()> {
    if Command::new("h2load").arg("--version").stdout(Stdio::null()).status().is_ok() {
        return Ok(());
    }
    let mut install = Command::new("apt-get");
    crate::steps::run(install.args(["install", "-y", "-q", "nghttp2-client"]))
}
