//! A real Envoy.

use crate::{
    process::{Process, ProcessError},
    tools::{self, ToolError},
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use thiserror::Error;

/// How long the admin interface has to answer.
const ADMIN_LIMIT: Duration = Duration::from_secs(10);

/// Puts the admin interface on a free port; merged over what the configuration says of it.
const ADMIN: &str = "{admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}}}";

/// A running Envoy, which has been ready. Dropping it stops it.
#[derive(Debug)]
pub struct Envoy {
    process: Process,
    admin: Admin,
    ready_in: Duration,
    /// Holds the configuration and the log.
    _folder: TempDir,
}

/// How to run Envoy.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many worker threads it has. Each has its own VM of a wasm filter, and the main thread
    /// one more.
    pub workers: u32,
    /// What it logs: `trace` to `critical`, or `off`.
    pub log_level: &'static str,
    /// How long it may take until it is ready.
    pub limit: Duration,
}

/// Why there is no Envoy, or no answer from it.
#[derive(Debug, Error)]
pub enum EnvoyError {
    /// Its admin interface does not answer as it should.
    #[error("the admin interface of Envoy at `{address}{path}`: {cause}")]
    Admin {
        /// Where the interface is.
        address: SocketAddr,
        /// What it was asked.
        path: String,
        /// Why that is no answer.
        cause: String,
    },
    /// Its files cannot be written.
    #[error("cannot write a configuration for Envoy: {0}")]
    Config(#[source] io::Error),
    /// There is no listener of that name.
    #[error("Envoy has no listener `{0}`")]
    NoListener(String),
    /// It did not start or did not become ready; a configuration that it refuses shows here.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// It cannot be fetched.
    #[error(transparent)]
    Tool(#[from] ToolError),
}

/// The admin interface of an Envoy.
#[derive(Clone, Debug)]
struct Admin(SocketAddr);

// === impl Envoy ===

impl Envoy {
    /// Fetches Envoy if need be, starts it with a bootstrap configuration in YAML (or JSON), and
    /// waits until it is ready.
    ///
    /// Its admin interface gets a free port whatever the configuration says. Listeners may use port
    /// 0 as well: [`listener`](Self::listener) tells what they got.
    ///
    /// # Errors
    ///
    /// Envoy cannot be fetched, refuses the configuration, or is not ready in time.
    pub fn start(config: &str, options: &Options) -> Result<Self, EnvoyError> {
        let binary = tools::envoy()?;
        let folder = tempfile::tempdir().map_err(EnvoyError::Config)?;
        let file = |name| -> PathBuf { folder.path().join(name) };
        let (config_file, address_file) = (file("envoy.yaml"), file("admin"));
        fs::write(&config_file, config).map_err(EnvoyError::Config)?;

        let mut command = Command::new(binary);
        command
            .arg("--disable-hot-restart")
            .arg("--config-path")
            .arg(config_file)
            .args(["--config-yaml", ADMIN])
            .arg("--admin-address-path")
            .arg(&address_file)
            .args(["--concurrency", &options.workers.to_string()])
            .args(["--log-level", options.log_level])
            // Else each start lists all extensions, in longer lines than all else.
            .args(["--component-log-level", "main:warn"]);
        let start = Instant::now();
        let mut process = Process::start(&mut command, &file("log"))?;
        let admin = process.until("ready", options.limit, || {
            let admin = Admin::from_file(&address_file)?;
            admin.get("/ready").is_ok().then_some(admin)
        })?;
        Ok(Self { process, admin, ready_in: start.elapsed(), _folder: folder })
    }

    /// How long it took from its start until it was ready.
    #[must_use]
    pub fn ready_in(&self) -> Duration {
        self.ready_in
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Where its admin interface is.
    #[must_use]
    pub fn admin(&self) -> SocketAddr {
        self.admin.0
    }

    /// All it has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// What its admin interface answers to `GET` of a path with its query, such as `/memory`.
    ///
    /// # Errors
    ///
    /// No answer, or one of another status than 200.
    pub fn get(&self, path: &str) -> Result<String, EnvoyError> {
        self.admin.get(path)
    }

    /// The counters and gauges whose names start with `prefix`.
    ///
    /// # Errors
    ///
    /// The admin interface does not answer.
    pub fn stats(&self, prefix: &str) -> Result<BTreeMap<String, u64>, EnvoyError> {
        let text = self.get("/stats")?;
        // Histograms and texts have values that are no numbers.
        let numbers = text.lines().filter_map(|line| {
            let (name, value) = line.split_once(": ")?;
            Some((name.to_owned(), value.parse().ok()?))
        });
        Ok(numbers.filter(|(name, _)| name.starts_with(prefix)).collect())
    }

    /// Where the listener of that name listens.
    ///
    /// # Errors
    ///
    /// The admin interface does not answer, or there is none of that name.
    pub fn listener(&self, name: &str) -> Result<SocketAddr, EnvoyError> {
        let path = "/listeners?format=json";
        let listeners: Value = serde_json::from_str(&self.get(path)?)
            .map_err(|error| self.admin.error(path, error))?;
        let all = listeners.get("listener_statuses").and_then(Value::as_array);
        let one = all.into_iter().flatten().find(|one| one.get("name").is_some_and(|n| n == name));
        let socket = |one: &Value| {
            let socket = one.pointer("/local_address/socket_address")?;
            let address = socket.get("address")?.as_str()?.parse().ok()?;
            let port = socket.get("port_value")?.as_u64()?.try_into().ok()?;
            Some(SocketAddr::new(address, port))
        };
        one.and_then(socket).ok_or_else(|| EnvoyError::NoListener(name.into()))
    }

    /// Stops it and gives all it has logged.
    ///
    /// # Errors
    ///
    /// The system does not tell how it ended.
    pub fn stop(mut self) -> Result<String, EnvoyError> {
        self.process.stop()?;
        Ok(self.log())
    }
}

// === impl Options ===

impl Default for Options {
    /// Two workers, so that tests see what is shared between them; a minute to become ready.
    fn default() -> Self {
        Self { workers: 2, log_level: "info", limit: Duration::from_secs(60) }
    }
}

// === impl Admin ===

impl Admin {
    /// The address that Envoy wrote, once it has.
    fn from_file(file: &Path) -> Option<Self> {
        fs::read_to_string(file).ok()?.trim().parse().ok().map(Self)
    }

    fn get(&self, path: &str) -> Result<String, EnvoyError> {
        let request = ureq::get(format!("http://{}{path}", self.0));
        let request = request.config().timeout_global(Some(ADMIN_LIMIT)).build();
        let response = request.call().map_err(|error| self.error(path, error))?;
        response.into_body().read_to_string().map_err(|error| self.error(path, error))
    }

    fn error(&self, path: &str, cause: impl ToString) -> EnvoyError {
        EnvoyError::Admin { address: self.0, path: path.into(), cause: cause.to_string() }
    }
}

#[cfg(test)]
mod tests;
