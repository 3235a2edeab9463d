//! `cedarkey serve`

use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::mint::{Desk, Office};
use crate::output::{self, GOOD, Output};
use crate::project::{self, Settings};
use crate::stop::told_to_stop;
use cedarkey_compiler::settings::{MintSettings, TrustedKey};
use cedarkey_publisher::{
    Database, GithubKeys, Listeners, Mirror, Options, Publisher, Signer, Tls, TlsFiles, Tokens,
};
use clap::Args;
use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::json;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

/// What is logged if `RUST_LOG` says nothing else. A statement that takes a second is no fault.
const LOGGED: &str = "warn,sqlx=error";

/// The largest bundle that is taken, in bytes.
const MAX_BUNDLE: usize = 256 * 1024 * 1024;

/// Run a publisher: bundles are pushed to it, and proxies take them from it.
///
/// It serves plain HTTP, unless it is given a certificate. Who may push is decided by the signature
/// of what is pushed. What goes on is written to standard error: `RUST_LOG` says how much of it, as
/// `info` or `debug`; warnings, if it is not set.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cedarkey serve -C my-api
  cedarkey serve --trusted ed25519:O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik= \\
      --database /var/lib/cedarkey/publisher.db --listen 0.0.0.0:9180
  cedarkey serve -C my-api --mint --tls-cert server.pem --tls-key server.key
  CEDARKEY_DATABASE=postgres://cedarkey@db.example.com/bundles cedarkey serve -C my-api")]
pub struct Serve {
    /// Where bundles are kept: a SQLite file, which is made if it is not there (from the current
    /// folder, not the project's), or the URL of a
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
    /// Give keys of minutes to workloads that prove who they are (`POST /v1/tokens`), as `[mint]` in
    /// the project's cedarkey.toml and the policies in its folder `mint` say. The project's signing
    /// key and registry are then used here
    #[arg(long)]
    mint: bool,
    /// Write the address that it listens on to this file, once it does
    #[arg(long, value_name = "FILE")]
    address_file: Option<PathBuf>,
}

impl Serve {
    /// Runs it until it is told to stop.
    pub async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let filter = EnvFilter::try_from_default_env();
        tracing_subscriber::fmt()
            .with_env_filter(filter.unwrap_or_else(|_| EnvFilter::new(LOGGED)))
            .with_ansi(output::is_coloured())
            .with_writer(std::io::stderr)
            .init();
        raise_limit();
        let minting = if self.mint { Some(self.minting(given)?) } else { None };
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
                let (certificate, key) = (certificate.to_owned(), key.to_owned());
                let clients = minting.as_ref().and_then(|(settings, mint)| {
                    Some(settings.root.join(&mint.certificates.as_ref()?.ca))
                });
                let tls = Tls::load(TlsFiles { certificate, key, clients });
                Some(tls.context(Exit::Publisher, "HTTPS cannot be served")?)
            }
            None => None,
        };
        let tokens = match minting {
            Some((settings, mint)) => {
                let publisher = publisher.clone();
                let desk = Desk::open(Office { settings, mint, publisher }).await?;
                Some(Arc::new(desk) as Arc<dyn Tokens>)
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
            .serve(Listeners { bundles, tls, operations, tokens }, told_to_stop()?)
            .await
            .context(Exit::Publisher, "it broke off")?;
        Ok(Exit::Ok)
    }
}

// === impl Serve ===

impl Serve {
    /// What the project says of minting, where that can be served.
    fn minting(&self, given: Option<&Path>) -> Result<(Settings, MintSettings), Failure> {
        let settings = project::settings(given)?;
        let Some(mint) = settings.mint.clone() else {
            let message = "`--mint` needs `[mint]` in cedarkey.toml, and there is none";
            let help = "say there by whose JWTs or certificates workloads prove who they are";
            return Err(Failure::new(Exit::Invalid, message).help(help));
        };
        let help = "give the listener a certificate: `--tls-cert` and `--tls-key`";
        if self.tls_cert.is_none() && mint.certificates.is_some() {
            let message = "`[mint.certificates]` is set, and without TLS no client has one";
            return Err(Failure::new(Exit::Usage, message).help(help));
        }
        if self.tls_cert.is_none() && !self.listen.ip().is_loopback() {
            let message = "keys are not given in plain HTTP to other machines";
            return Err(Failure::new(Exit::Usage, message).help(help));
        }
        Ok((settings, mint))
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
