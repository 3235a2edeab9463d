//! TLS, with certificates that may be replaced while the publisher runs.

use std::{
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use axum_server::tls_rustls::RustlsConfig;
use rustls::crypto::ring;

/// How often to look whether the files have changed.
const LOOK: Duration = Duration::from_secs(2);

/// A certificate with its chain, and its private key, in PEM files.
#[derive(Clone, Debug)]
pub struct Tls {
    config: RustlsConfig,
    certificate: PathBuf,
    key: PathBuf,
}

/// Why a certificate cannot be used. The operator is at fault.
#[derive(Debug, thiserror::Error)]
#[error("the certificate `{}` and the key `{}` cannot be used", certificate.display(), key.display())]
pub struct TlsError {
    /// The certificate's file.
    pub certificate: PathBuf,
    /// The key's file.
    pub key: PathBuf,
    /// What is wrong with one of them, or both together.
    pub source: io::Error,
}

/// What tells one state of a file from another.
type Stamp = (SystemTime, u64);

/// Says what cryptography TLS is to use, which has to be said once in a process.
pub(crate) fn use_ring() {
    // A second installation is refused, and the first serves as well.
    let _ = ring::default_provider().install_default();
}

// === impl Tls ===

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// One is missing or is not what it should be, or the key is another certificate's.
    pub async fn load(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        use_ring();
        let config = RustlsConfig::from_pem_file(certificate, key).await;
        let (certificate, key) = (certificate.to_owned(), key.to_owned());
        match config {
            Ok(config) => Ok(Self { config, certificate, key }),
            Err(source) => Err(TlsError { certificate, key, source }),
        }
    }

    pub(crate) fn config(&self) -> RustlsConfig {
        self.config.clone()
    }

    /// Takes the files anew whenever they change. While they are no good, what was read last holds.
    pub(crate) async fn follow(self) {
        let mut seen = self.stamps();
        loop {
            tokio::time::sleep(LOOK).await;
            let now = self.stamps();
            if now == seen {
                continue;
            }
            let (certificate, key) = (&self.certificate, &self.key);
            match self.config.reload_from_pem_file(certificate, key).await {
                Ok(()) => tracing::info!("the certificate was replaced"),
                Err(error) => {
                    tracing::error!(%error, "the new certificate cannot be used; the old one stays");
                }
            }
            seen = now;
        }
    }

    fn stamps(&self) -> [Option<Stamp>; 2] {
        [&self.certificate, &self.key].map(|path| {
            let metadata = path.metadata().ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        })
    }
}
