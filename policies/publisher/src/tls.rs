//! TLS, with certificates that may be replaced while the publisher runs.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use axum_server::tls_rustls::RustlsConfig;
use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, UnixTime, pem::PemObject as _},
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};

use crate::stamp::{Stamp, stamp};

/// How often to look whether the files have changed.
const LOOK: Duration = Duration::from_secs(2);

/// What a listener shows, and whom it knows.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// Its certificate with the chain, in PEM.
    pub certificate: PathBuf,
    /// The certificate's private key, in PEM.
    pub key: PathBuf,
    /// The authorities by which clients' certificates must be, in PEM. A client need not have one;
    /// without this file, none is asked for.
    pub clients: Option<PathBuf>,
}

/// What a listener speaks TLS with, as its files were when they were last any good.
#[derive(Clone, Debug)]
pub struct Tls {
    config: RustlsConfig,
    clients: Clients,
    files: TlsFiles,
}

/// The authorities by which clients' certificates must be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clients(Arc<RwLock<Option<Arc<dyn ClientCertVerifier>>>>);

/// What files are read to.
struct Read {
    server: ServerConfig,
    clients: Option<Arc<dyn ClientCertVerifier>>,
}

/// Why a file cannot be used. The operator is at fault.
#[derive(Debug, thiserror::Error)]
#[error("`{}` cannot be used", file.display())]
pub struct TlsError {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it, or with its fit to the others.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// Says what cryptography TLS is to use, which has to be said once in a process.
pub(crate) fn use_ring() {
    // A second installation is refused, and the first serves as well.
    let _ = ring::default_provider().install_default();
}

// === impl TlsFiles ===

impl TlsFiles {
    fn read(&self) -> Result<Read, TlsError> {
        let wrong = |file: &Path, source| TlsError { file: file.to_owned(), source };
        let chain = certificates(&self.certificate)?;
        let key = PrivateKeyDer::from_pem_file(&self.key);
        let key = key.map_err(|error| wrong(&self.key, error.into()))?;
        let clients = self.clients.as_deref().map(authorities).transpose()?;
        let config = ServerConfig::builder();
        let config = match &clients {
            None => config.with_no_client_auth(),
            Some(verifier) => config.with_client_cert_verifier(Arc::clone(verifier)),
        };
        let config = config.with_single_cert(chain, key);
        let mut server = config.map_err(|error| wrong(&self.certificate, error.into()))?;
        server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Read { server, clients })
    }

    fn stamps(&self) -> Vec<Option<Stamp>> {
        let files = [&self.certificate, &self.key].into_iter().chain(&self.clients);
        files.map(|file| stamp(file)).collect()
    }
}

/// Whom a file knows. Proxies, and those who push, have no certificate.
fn authorities(file: &Path) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let wrong = |source| TlsError { file: file.to_owned(), source };
    let mut roots = RootCertStore::empty();
    for authority in certificates(file)? {
        roots.add(authority).map_err(|error| wrong(error.into()))?;
    }
    let verifier = WebPkiClientVerifier::builder(roots.into()).allow_unauthenticated().build();
    verifier.map_err(|error| wrong(error.into()))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let wrong = |source| TlsError { file: file.to_owned(), source };
    let found =
        CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = found.map_err(|error| wrong(error.into()))?;
    if found.is_empty() {
        return Err(wrong("there is no certificate in it".into()));
    }
    Ok(found)
}

// === impl Tls ===

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// One is missing or is not what it should be, or the key is another certificate's.
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        use_ring();
        let Read { server, clients } = files.read()?;
        let config = RustlsConfig::from_config(Arc::new(server));
        Ok(Self { config, clients: Clients(Arc::new(RwLock::new(clients))), files })
    }

    pub(crate) fn clients(&self) -> Clients {
        self.clients.clone()
    }

    pub(crate) fn config(&self) -> RustlsConfig {
        self.config.clone()
    }

    /// Takes the files anew whenever they change. While they are no good, what was read last holds.
    pub(crate) async fn follow(self) {
        let mut seen = self.files.stamps();
        loop {
            tokio::time::sleep(LOOK).await;
            let now = self.files.stamps();
            if now == seen {
                continue;
            }
            match self.files.read() {
                Ok(Read { server, clients }) => {
                    self.config.reload_from_config(Arc::new(server));
                    *self.clients.0.write().unwrap_or_else(PoisonError::into_inner) = clients;
                    tracing::info!("the certificate was replaced");
                }
                Err(error) => {
                    let cause = &*error.source;
                    tracing::error!(%error, %cause, "the new certificate cannot be used; the old one stays");
                }
            }
            seen = now;
        }
    }
}

// === impl Clients ===

impl Clients {
    /// The certificate of a client, if it is good now. TLS has verified it when the client came, or
    /// when it came the first time: since then it may have expired, or its authority may be one no
    /// longer.
    pub(crate) fn vouch(&self, chain: &[Vec<u8>]) -> Option<Vec<u8>> {
        let verifier = self.0.read().unwrap_or_else(PoisonError::into_inner).clone()?;
        let chain: Vec<_> = chain.iter().map(|it| CertificateDer::from_slice(it)).collect();
        let (own, rest) = chain.split_first()?;
        verifier.verify_client_cert(own, rest, UnixTime::now()).ok()?;
        Some(own.to_vec())
    }
}
