//! Many proxies that wait at one publisher, without the proxies: as many connections as a fleet has,
//! each of which does what the filter does. The publisher is the real one, as a process.

use crate::{
    deployment::{LIMIT, Result},
    process::Process,
};
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use cedarkey_bundle::{Draft, SegmentKind, SigningKey};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustix::process::{Resource, getrlimit, setrlimit};
use std::{
    collections::BTreeMap,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::{sync::mpsc, task::JoinSet, time::timeout};

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// How many proxies wait.
    pub proxies: usize,
    /// How often a new version is pushed.
    pub pushes: u32,
    /// How long it takes in all, from the first push to the last.
    pub length: Duration,
}

/// What was seen.
#[derive(Clone, Debug)]
pub struct Seen {
    /// From the moment a push is begun until a proxy has the manifest, ascending: one for each
    /// proxy and push, unless a proxy got a later version first.
    pub propagation: Vec<Duration>,
    /// How many requests the proxies made.
    pub requests: u64,
    /// How many of them failed.
    pub failures: u64,
    /// How much processor time the publisher took.
    pub cpu: Duration,
    /// How long that was.
    pub length: Duration,
    /// The most memory the publisher had, in bytes.
    pub peak_memory: u64,
}

/// What a proxy tells: a version, and when it had it.
type Arrival = (u64, Instant);

type Http = Client<HttpConnector, Body>;

const NAME: &str = "fleet";

/// How large a part of a bundle is that changes with every push, in bytes.
const CHANGED: usize = 20_000;

/// Runs `command`, which is `cedarkey`, as a publisher under this load.
///
/// # Errors
///
/// Something does not start, a push is refused, or a proxy does not get the last version.
pub fn run(command: &Path, load: Load) -> Result<Seen> {
    raise_limit()?;
    let folder = tempfile::tempdir()?;
    let told = folder.path().join("address");
    let key = SigningKey::from_seed(*b"a key which signs nothing at all");
    let mut serve = Command::new(command);
    serve.current_dir(folder.path()).args(["serve", "--listen", "127.0.0.1:0", "--trusted"]);
    serve.arg(key.public().to_string()).arg("--address-file").arg(&told);
    let mut publisher = Process::start(&mut serve, &folder.path().join("log"))?;
    let address: String = publisher.until("the publisher listens", LIMIT, || {
        std::fs::read_to_string(&told).ok().filter(|address| !address.is_empty())
    })?;
    let pid = i32::try_from(publisher.id())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let seen = runtime.block_on(drive(&format!("http://{address}"), &key, load, pid));
    publisher.stop()?;
    seen
}

/// A connection is an open file.
fn raise_limit() -> Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    Ok(setrlimit(Resource::Nofile, limit)?)
}

async fn drive(url: &str, key: &SigningKey, load: Load, pid: i32) -> Result<Seen> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    push(&client, url, key, 1).await?;
    let counts = Arc::new([const { AtomicU64::new(0) }; 2]);
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    let mut proxies = JoinSet::new();
    for number in 0..load.proxies {
        let (client, url) = (client.clone(), format!("{url}/v1/bundles/{NAME}/manifest"));
        proxies.spawn(proxy(client, url, number, arrived.clone(), Arc::clone(&counts)));
    }
    drop(arrived);
    let expected = format!("cedarkey_publisher_requests_held {}", load.proxies);
    let began = Instant::now();
    while !metrics(&client, url).await?.lines().any(|line| line == expected) {
        if began.elapsed() > LIMIT.saturating_mul(3) {
            return Err("the proxies do not come to wait".into());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // What was fetched to begin with is no news.
    while arrivals.try_recv().is_ok() {}

    let (began, before) = (Instant::now(), cpu(pid)?);
    let mut pushed = BTreeMap::new();
    let period = load.length.checked_div(load.pushes).unwrap_or_default();
    let mut clock = tokio::time::interval(period.max(Duration::from_millis(1)));
    for version in (2..).take(load.pushes as usize) {
        clock.tick().await;
        pushed.insert(version, Instant::now());
        push(&client, url, key, version).await?;
    }
    let last = pushed.keys().next_back().copied().unwrap_or_default();
    let mut missing = load.proxies;
    let mut propagation = Vec::new();
    while missing > 0 {
        let next = timeout(LIMIT, arrivals.recv()).await;
        let late = |_| format!("{missing} proxies have not got the last version");
        let (version, at) = next.map_err(late)?.ok_or("the proxies are gone")?;
        if version == last {
            missing = missing.saturating_sub(1);
        }
        propagation.extend(pushed.get(&version).map(|from| at.saturating_duration_since(*from)));
    }
    propagation.sort_unstable();
    let (length, cpu) = (began.elapsed(), cpu(pid)?.saturating_sub(before));
    proxies.abort_all();
    let [requests, failures] = counts.each_ref().map(|count| count.load(Ordering::Relaxed));
    Ok(Seen { propagation, requests, failures, cpu, length, peak_memory: peak_memory(pid)? })
}

/// Asks and waits for ever, as a filter does.
async fn proxy(
    client: Http,
    url: String,
    number: usize,
    arrived: mpsc::UnboundedSender<Arrival>,
    counts: Arc<[AtomicU64; 2]>,
) {
    let [requests, failures] = &*counts;
    let mut etag = String::from("\"\"");
    let mut version = 0;
    loop {
        requests.fetch_add(1, Ordering::Relaxed);
        match ask(&client, &url, number, &etag, version).await {
            Ok(Some(new)) => {
                let number = new.trim_matches('"').split('-').next();
                version = number.and_then(|number| number.parse().ok()).unwrap_or_default();
                etag = new;
                if arrived.send((version, Instant::now())).is_err() {
                    return;
                }
            }
            Ok(None) => {}
            Err(_) => {
                failures.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

/// The ETag of what is new, when there is something new.
async fn ask(
    client: &Http,
    url: &str,
    number: usize,
    etag: &str,
    version: u64,
) -> Result<Option<String>> {
    let request = Request::get(url)
        .header(header::IF_NONE_MATCH, etag)
        .header("prefer", "wait=30")
        .header("x-cedarkey-node", format!("proxy-{number}"))
        .header("x-cedarkey-filter", env!("CARGO_PKG_VERSION"))
        .header("x-cedarkey-active", format!("{version};since=0"));
    let response = client.request(request.body(Body::empty())?).await?;
    let (head, body) = response.into_parts();
    to_bytes(Body::new(body), usize::MAX).await?;
    match head.status {
        StatusCode::OK => {
            let etag = head.headers.get(header::ETAG).ok_or("an answer without an ETag")?;
            Ok(Some(etag.to_str()?.into()))
        }
        StatusCode::NOT_MODIFIED => Ok(None),
        other => Err(format!("the publisher says {other}").into()),
    }
}

async fn push(client: &Http, url: &str, key: &SigningKey, version: u64) -> Result<()> {
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
    let mut changed = vec![0; CHANGED];
    changed.extend(version.to_le_bytes());
    let draft = Draft {
        name: NAME.into(),
        version,
        created: now,
        expires: now.saturating_add(3600),
        segments: vec![(SegmentKind::Revocations, changed)],
    };
    let body = Body::from(draft.sign(&[key])?.encode());
    let request = Request::put(format!("{url}/v1/bundles/{NAME}")).body(body)?;
    let status = client.request(request).await?.status();
    if status == StatusCode::CREATED {
        return Ok(());
    }
    Err(format!("version {version} is not accepted: {status}").into())
}

async fn metrics(client: &Http, url: &str) -> Result<String> {
    let response = client.get(format!("{url}/metrics").parse()?).await?;
    let body = to_bytes(Body::new(response.into_body()), usize::MAX).await?;
    Ok(String::from_utf8(body.to_vec())?)
}

/// How much processor time a process has taken.
fn cpu(pid: i32) -> Result<Duration> {
    let stat = procfs::process::Process::new(pid)?.stat()?;
    let ticks = stat.utime.saturating_add(stat.stime);
    Ok(Duration::from_secs_f64(ticks as f64 / procfs::ticks_per_second() as f64))
}

/// The most memory that a process had, in bytes.
fn peak_memory(pid: i32) -> Result<u64> {
    let peak = procfs::process::Process::new(pid)?.status()?.vmhwm;
    Ok(peak.ok_or("the system does not say how much memory there was")?.saturating_mul(1024))
}

// === impl Seen ===

impl Seen {
    /// The propagation that so many hundredths of all stay within.
    #[must_use]
    pub fn percentile(&self, hundredths: usize) -> Duration {
        let last = self.propagation.len().saturating_sub(1);
        let at = last.saturating_mul(hundredths) / 100;
        self.propagation.get(at).copied().unwrap_or_default()
    }
}
