//! `cedarkey serve`

use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::output::{GOOD, Output};
use crate::project;
use crate::stop::told_to_stop;
use cedarkey_compiler::settings::TrustedKey;
use cedarkey_publisher::{
    Database, GithubKeys, Listeners, Mirror, Options, Publisher, Signer, Tls,
};
use clap::Args;
use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::json;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use tokio::net::TcpListener;

/// The largest bundle that is taken, in bytes.
const MAX_BUNDLE: usize = 256 * 1024 * 1024;

/// Run a publisher: bundles are pushed to it, and proxies take them from it.
///
/// It serves plain HTTP, unless it is given a certificate. Who may push is decided by the signature
/// of what is pushed.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cedarkey serve -C my-api
  cedarkey serve --trusted ed25519:O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik= \\
      --database /var/lib/cedarkey/publisher.db --listen 0.0.0.0:9180
  CEDARKEY_DATABASE=postgres://cedarkey@db.example.com/bundles cedarkey serve -C my-api")]
pub struct Serve {
    /// Where bundles are kept: a SQLite file, which is made if it is not there, or the URL of a
    /// PostgreSQL database (`postgres://`), which several publishers may share
    #[arg(
        long,
        value_name = "FILE|URL",
        env = "CEDARKEY_DATABASE",
        hide_env_values = true,
        default_value = "publisher.db"
    )]
    database: Database,
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9180")]
    listen: SocketAddr,
    /// A certificate with its chain, in PEM, to serve HTTPS with. It is taken anew when the file
    /// changes
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Where to listen for operators, in plain HTTP: `/metrics` and the fleet are there alone
    /// [default: with the bundles]
    #[arg(long, value_name = "ADDRESS:PORT")]
    admin_listen: Option<SocketAddr>,
    /// The public keys of which one must have signed what is pushed, for every bundle or for one
    /// name alone, and from when and until when [default: the project's, for its bundle]
    #[arg(long, value_name = "[NAME=]KEY[,not_before=TIME][,not_after=TIME]")]
    trusted: Vec<Signer>,
    /// How many connections to take at a time; each proxy has one. Who comes when there are as many
    /// is answered with 503
    #[arg(long, value_name = "N", default_value = "10000")]
    max_connections: NonZeroU32,
    /// How many versions of each bundle to keep
    #[arg(long, value_name = "N", default_value = "20")]
    keep: NonZeroU32,
    /// Write each newest version to this folder or bucket (`s3://`) as well, from where a static
    /// server gives it to proxies
    #[arg(long, value_name = "DIR|URL")]
    mirror: Vec<Mirror>,
    /// Take leaked tokens that GitHub's secret scanning has found, signed by one of the keys in this
    /// file, which is what https://api.github.com/meta/public_keys/secret_scanning answers. It is
    /// read again when it changes
    #[arg(long, value_name = "FILE", env = "CEDARKEY_GITHUB_KEYS")]
    github_keys: Option<PathBuf>,
    /// Keep what proxies tell of the use of keys, for `cedarkey usage` and `cedarkey report`. Whoever
    /// reaches this address can then write to the database: let nobody but proxies do that
    #[arg(long)]
    usage: bool,
    /// Write the address that it listens on to this file, once it does
    #[arg(long, value_name = "FILE")]
    address_file: Option<PathBuf>,
}

impl Serve {
    /// Runs it until it is told to stop.
    pub async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        tracing_subscriber::fmt()
            .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
            .with_writer(std::io::stderr)
            .init();
        raise_limit();
        let trusted = if self.trusted.is_empty() { own(given)? } else { self.trusted };
        let github_keys = self.github_keys.as_deref().map(GithubKeys::load).transpose();
        let options = Options {
            database: self.database,
            signers: trusted.into_iter().collect(),
            max_bundle_bytes: MAX_BUNDLE,
            max_connections: usize::try_from(self.max_connections.get()).unwrap_or(usize::MAX),
            patience: Options::PATIENCE,
            keep: self.keep,
            mirrors: self.mirror,
            usage: self.usage,
            github_keys: github_keys.context(Exit::Publisher, "GitHub's keys cannot be used")?,
        };
        let publisher = Publisher::open(options)
            .await
            .context(Exit::Publisher, "the publisher's database cannot be used")?;
        let tls = match self.tls_cert.as_deref().zip(self.tls_key.as_deref()) {
            Some((certificate, key)) => {
                let tls = Tls::load(certificate, key).await;
                Some(tls.context(Exit::Publisher, "HTTPS cannot be served")?)
            }
            None => None,
        };
        let scheme = if tls.is_some() { "https" } else { "http" };
        let (bundles, address) = listen(self.listen).await?;
        let (operations, admin) = match self.admin_listen {
            Some(at) => listen(at).await.map(|(listener, at)| (Some(listener), Some(at)))?,
            None => (None, None),
        };
        output.result(&json!({ "address": address, "admin": admin }), |out| {
            let _ = writeln!(out, "{GOOD}publishing{GOOD:#} on {scheme}://{address}");
            if let Some(admin) = admin {
                let _ = writeln!(out, "metrics and fleet on http://{admin}");
            }
        });
        if let Some(file) = self.address_file {
            // Whoever waits for the file finds all of it.
            let draft = file.with_extension("tmp");
            let written = std::fs::write(&draft, address.to_string())
                .and_then(|()| std::fs::rename(&draft, &file));
            written.context(Exit::Failure, format_args!("cannot write `{}`", file.display()))?;
        }
        publisher
            .serve(Listeners { bundles, tls, operations }, told_to_stop()?)
            .await
            .context(Exit::Publisher, "it broke off")?;
        Ok(Exit::Ok)
    }
}

/// The keys that the project trusts, for its bundle.
fn own(given: Option<&Path>) -> Result<Vec<Signer>, Failure> {
    let settings = project::settings(given)?;
    let keys = settings.trusted;
    if keys.is_empty() {
        return Err(Failure::new(Exit::Bundle, "the project trusts no signing key")
            .help("make one with `cedarkey signing-key new`, or name one with `--trusted`"));
    }
    let signer = |TrustedKey { key, not_before, not_after }| Signer {
        name: Some(settings.name.clone()),
        key,
        not_before,
        not_after,
    };
    Ok(keys.into_iter().map(signer).collect())
}

/// A proxy that waits is an open file, and there may be more of them than a shell allows by default.
fn raise_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // If it is not to be, fewer proxies can wait.
    let _ = setrlimit(Resource::Nofile, limit);
}

async fn listen(at: SocketAddr) -> Result<(TcpListener, SocketAddr), Failure> {
    let listener = TcpListener::bind(at).await;
    let listener = listener.context(Exit::Publisher, format_args!("cannot listen on {at}"))?;
    let address = listener.local_addr().context(Exit::Publisher, "there is no address")?;
    Ok((listener, address))
}
