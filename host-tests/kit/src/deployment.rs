//! A whole deployment in a folder of its own: a project, a publisher, an upstream and an Envoy with
//! the filter, all of them real.

use crate::envoy::{Envoy, Options};
use crate::process::Process;
use crate::tools;
use crate::upstream::Upstream;
use crate::wait;
use serde_json::{Map, Value};
use std::{
    error::Error,
    fs,
    net::SocketAddr,
    path::PathBuf,
    process::{Command, Output},
    time::Duration,
};
use tempfile::TempDir;

/// What tests and the demo do with a failure: they show it.
pub type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// How long a thing may take that takes a moment.
pub const LIMIT: Duration = Duration::from_secs(20);

/// The name of the project and its bundle.
pub const NAME: &str = "quickstart";

/// A project with what is needed to run it. Dropping it stops and removes all of it.
#[derive(Debug)]
pub struct Deployment {
    command: PathBuf,
    publisher: Option<(Process, SocketAddr)>,
    /// The server behind the proxy.
    pub upstream: Upstream,
    folder: TempDir,
}

/// A key that was issued.
#[derive(Clone, Debug)]
pub struct Issued {
    /// Its token.
    pub token: String,
    /// Its id.
    pub id: String,
}

/// The answer to a request.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, by lower-case name.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

// === impl Deployment ===

impl Deployment {
    /// Makes a project, as `cedarkey init` does, and a signing key for it.
    ///
    /// # Errors
    ///
    /// Something cannot be built, made or started.
    pub fn new() -> Result<Self> {
        Self::with(tools::cedarkey()?)
    }

    /// The same with the command as it is installed, for what takes long.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn released() -> Result<Self> {
        Self::with(tools::cedarkey_release()?)
    }

    fn with(command: PathBuf) -> Result<Self> {
        let deployment = Self {
            command,
            publisher: None,
            upstream: Upstream::start()?,
            folder: tempfile::tempdir()?,
        };
        let project = deployment.project();
        deployment.cedarkey(&["init", &project.to_string_lossy(), "--name", NAME])?;
        deployment.cedarkey(&["signing-key", "new"])?;
        Ok(deployment)
    }

    /// The project's folder.
    pub fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// A file beside the project.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The command `cedarkey`, for the project.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.command);
        command.current_dir(self.folder.path()).args(arguments).env("CEDARKEY_ACTOR", "tests");
        if arguments.first() != Some(&"init") {
            command.arg("-C").arg(self.project());
        }
        command
    }

    /// Runs `cedarkey`, and gives its standard output without the last line break.
    ///
    /// # Errors
    ///
    /// It fails; the error carries what it said.
    pub fn cedarkey(&self, arguments: &[&str]) -> Result<String> {
        let Output { status, stdout, stderr } = self.command(arguments).output()?;
        if !status.success() {
            let said = String::from_utf8_lossy(&stderr);
            return Err(
                format!("`cedarkey {}` ended with {status}: {said}", arguments.join(" ")).into()
            );
        }
        Ok(String::from_utf8(stdout)?.trim_end().into())
    }

    /// Issues a key.
    ///
    /// # Errors
    ///
    /// It is not issued.
    pub fn issue(&self, arguments: &[&str]) -> Result<Issued> {
        let always = ["keys", "issue", "--format", "json", "--purpose", "tests"];
        let said: Value = serde_json::from_str(&self.cedarkey(&[&always, arguments].concat())?)?;
        let text = |pointer| said.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        Ok(Issued { token: text("/token").into(), id: text("/key/id").into() })
    }

    /// Starts the publisher, on the address that it had before if there was one.
    ///
    /// # Errors
    ///
    /// It does not start.
    pub fn publish(&mut self, at: Option<SocketAddr>) -> Result<SocketAddr> {
        self.publish_with(at, &[])
    }

    /// As [`publish`](Self::publish), with arguments of one's own.
    ///
    /// # Errors
    ///
    /// It does not start.
    pub fn publish_with(
        &mut self,
        at: Option<SocketAddr>,
        arguments: &[&str],
    ) -> Result<SocketAddr> {
        let told = self.file("publisher.address");
        // What an earlier one has told is not to be believed.
        let _ = fs::remove_file(&told);
        let listen = at.map_or_else(|| "127.0.0.1:0".into(), |at| at.to_string());
        let database = self.file("publisher.db");
        let mut command = self.command(&["serve", "--usage", "--listen", &listen]);
        command.args(arguments).arg("--database").arg(database).arg("--address-file").arg(&told);
        let mut process = Process::start(&mut command, &self.file("publisher.log"))?;
        let address = process.until("the publisher listens", LIMIT, || {
            fs::read_to_string(&told).ok()?.parse().ok()
        })?;
        self.publisher = Some((process, address));
        Ok(address)
    }

    /// Stops the publisher.
    pub fn unpublish(&mut self) {
        self.publisher = None;
    }

    /// Where the publisher is.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn publisher(&self) -> Result<String> {
        let (_, address) = self.publisher.as_ref().ok_or("there is no publisher")?;
        Ok(format!("http://{address}"))
    }

    /// Builds the project and pushes it.
    ///
    /// # Errors
    ///
    /// Either fails.
    pub fn push(&self) -> Result<String> {
        self.cedarkey(&["push", "--to", &self.publisher()?])
    }

    /// The configuration of an Envoy for the project, as `cedarkey render envoy` writes it.
    ///
    /// # Errors
    ///
    /// It is not written.
    pub fn render(&self, arguments: &[&str]) -> Result<String> {
        let upstream = self.upstream.address().to_string();
        let module = tools::filter()?;
        let module = module.to_string_lossy();
        let always = ["render", "envoy", "--upstream", &upstream, "--wasm", &module];
        let listen = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
        self.cedarkey(&[&always[..], &listen, arguments].concat())
    }

    /// Starts an Envoy with two workers that takes its bundles from the publisher.
    ///
    /// # Errors
    ///
    /// It does not start.
    pub fn envoy(&self, arguments: &[&str]) -> Result<Envoy> {
        let (_, publisher) = self.publisher.as_ref().ok_or("there is no publisher")?;
        let publisher = publisher.to_string();
        let config = self.render(&[&["--publisher", &publisher], arguments].concat())?;
        start(&config)
    }
}

/// Changes the filter's own configuration, in the HTTP filter as `cedarkey render envoy` writes it.
///
/// # Errors
///
/// There is none.
pub fn configure(filter: &mut Value, change: impl FnOnce(&mut Map<String, Value>)) -> Result<()> {
    let text = filter.pointer_mut("/typed_config/config/configuration/value");
    let text = text.ok_or("there is no configuration")?;
    let mut own = serde_json::from_str(text.as_str().unwrap_or_default())?;
    change(&mut own);
    *text = Value::Object(own).to_string().into();
    Ok(())
}

/// Starts an Envoy with two workers.
///
/// # Errors
///
/// It does not start.
pub fn start(config: &str) -> Result<Envoy> {
    let options = Options { workers: 2, ..Options::default() };
    Ok(Envoy::start(config, &options)?)
}

/// Sends a request to the listener that `cedarkey render envoy` makes.
///
/// # Errors
///
/// There is no answer.
pub fn request(
    envoy: &Envoy,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> Result<Answer> {
    request_to("api", envoy, method, path, headers)
}

/// Sends a request to a listener of the proxy.
///
/// # Errors
///
/// There is no answer.
pub fn request_to(
    listener: &str,
    envoy: &Envoy,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> Result<Answer> {
    let agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(LIMIT))
        .build()
        .new_agent();
    let url = format!("http://{}{path}", envoy.listener(listener)?);
    let mut request = ureq::http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut response = agent.run(request.body(())?)?;
    let headers = response.headers().iter().map(|(name, value)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    Ok(Answer {
        status: response.status().as_u16(),
        headers: headers.collect(),
        body: response.body_mut().read_to_string()?,
    })
}

/// Waits until all VMs of a proxy that has just started have a bundle in force: the workers' and the
/// main thread's. Which worker gets a request is the proxy's choice.
///
/// # Errors
///
/// They have none, in time.
pub fn in_force(envoy: &Envoy) -> Result<()> {
    let stat = |name: &str| Some(*envoy.stats(name).ok()?.get(name)?);
    wait::until("every VM has a bundle in force", LIMIT, || {
        let workers = stat("server.concurrency")?;
        (stat("wasmcustom.cedarkey_load_ok")? > workers).then_some(())
    })?;
    Ok(())
}

/// Sends a request until it is answered with a status.
///
/// # Errors
///
/// It is not, in time; the error carries the last answer.
pub fn request_until(
    envoy: &Envoy,
    status: u16,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> Result<Answer> {
    let mut last = None;
    let found = wait::until(&format!("{method} {path} is answered with {status}"), LIMIT, || {
        let answer = request(envoy, method, path, headers).ok()?;
        let found = answer.status == status;
        last = Some(answer.clone());
        found.then_some(answer)
    });
    found.map_err(|late| format!("{late}; last answer: {last:?}").into())
}

// === impl Answer ===

impl Answer {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}
