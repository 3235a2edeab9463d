//! The public keys of an issuer: a JSON Web Key Set (RFC 7517), from a file or a URL.

use crate::JwtError;
use cedarkey_compiler::settings::KeySetSource;
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey};
use reqwest::{Certificate, Client, Response};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::Mutex;
use url::{Host, Url};

/// The keys of an issuer, as they were last read.
#[derive(Debug)]
pub(crate) struct KeySet {
    source: Source,
    /// Held for moments only.
    state: RwLock<State>,
    /// Held by whoever reads the keys.
    reading: Mutex<()>,
}

#[derive(Debug)]
enum Source {
    File(PathBuf),
    Url(Url, Client),
}

#[derive(Debug, Default)]
struct State {
    keys: Vec<Jwk>,
    /// When they were read.
    read: Option<Instant>,
    /// When it was last tried to read them, with whatever success.
    tried: Option<Instant>,
    /// What tells one state of a file from another.
    stamp: Option<Stamp>,
}

type Stamp = (SystemTime, u64);

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Why an issuer's keys can never be had. The operator is at fault.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The authority's file.
    #[error("the authority `{}` cannot be used", .0.display())]
    Authority(PathBuf, #[source] Error),
    /// No client can be had.
    #[error("cannot set up the HTTP client")]
    Client(#[source] reqwest::Error),
    /// The file is missing, or no key set.
    #[error("the key set `{}` cannot be used", .0.display())]
    File(PathBuf, #[source] Error),
    /// Whoever is in between could name keys of their own.
    #[error("`{0}` is not `https://`, so that anybody in between could give other keys")]
    Plain(Url),
    /// The address is none.
    #[error("`{0}` is neither a file nor a URL")]
    Url(String, #[source] url::ParseError),
}

/// How old keys may be before they are read again.
const FRESH: Duration = Duration::from_secs(300);

/// How old they may be where they cannot be read again.
const STALE: Duration = Duration::from_secs(3600);

/// How long it is not tried again, whatever unknown keys JWTs name.
const PAUSE: Duration = Duration::from_secs(5);

/// How long the issuer may take.
const LIMIT: Duration = Duration::from_secs(5);

/// The largest key set, in bytes.
const MAX: usize = 256 * 1024;

// === impl KeySet ===

impl KeySet {
    pub fn new(source: &KeySetSource, root: &Path) -> Result<Self, SourceError> {
        let mut state = State::default();
        let source = match source {
            KeySetSource::File(file) => {
                let file = root.join(file);
                state.read_file(&file).map_err(|error| SourceError::File(file.clone(), error))?;
                Source::File(file)
            }
            KeySetSource::Url(address, authority) => {
                let authority = authority.as_ref().map(|file| root.join(file));
                let url = url(address)?;
                Source::Url(url, client(authority.as_deref())?)
            }
        };
        Ok(Self { source, state: RwLock::new(state), reading: Mutex::default() })
    }

    /// The key that a JWT's header names, or the only one that its algorithm can be of.
    ///
    /// Who names a key that is known does not wait for those who name others: anybody can do that.
    pub async fn find(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<DecodingKey, JwtError> {
        let known = self.known(kid, algorithm);
        if self.is_due(known.is_none()) {
            let reading = match &known {
                // Somebody else is reading already.
                Some(_) => self.reading.try_lock().ok(),
                None => Some(self.reading.lock().await),
            };
            // Whoever has waited finds what was read meanwhile.
            if reading.is_some() && self.is_due(self.known(kid, algorithm).is_none()) {
                self.read().await;
            }
        }
        match self.known(kid, algorithm) {
            Some(key) if self.holds() => Ok(key),
            None if self.holds() => Err(JwtError::Key),
            _ => Err(JwtError::Keys),
        }
    }

    fn known(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<DecodingKey> {
        self.state().find(kid, algorithm)
    }

    /// Whether what was read is not too old. A file is read whenever it changes.
    fn holds(&self) -> bool {
        let is_file = matches!(self.source, Source::File(_));
        self.state().read.is_some_and(|read| is_file || read.elapsed() <= STALE)
    }

    fn is_due(&self, is_unknown: bool) -> bool {
        let state = self.state();
        if let Source::File(file) = &self.source {
            return stamp(file) != state.stamp;
        }
        let is_old = state.read.is_none_or(|read| read.elapsed() > FRESH);
        (is_old || is_unknown) && state.tried.is_none_or(|tried| tried.elapsed() > PAUSE)
    }

    async fn read(&self) {
        let read = match &self.source {
            Source::File(file) => {
                let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
                state.read_file(file)
            }
            Source::Url(url, client) => {
                let fetched = fetch(client, url).await;
                let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
                state.tried = Some(Instant::now());
                fetched.and_then(|bytes| state.take(&bytes))
            }
        };
        if let Err(error) = read {
            // A URL's query and user may be secrets.
            let from = match &self.source {
                Source::File(file) => file.display().to_string(),
                Source::Url(url, _) => {
                    format!("{}{}", url.origin().ascii_serialization(), url.path())
                }
            };
            let cause = error.source().map(ToString::to_string);
            tracing::error!(%error, cause, from, "an issuer's keys cannot be read");
        }
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn fetch(client: &Client, url: &Url) -> Result<Vec<u8>, Error> {
    let answer = client.get(url.clone()).send().await.and_then(Response::error_for_status);
    let mut answer = answer.map_err(reqwest::Error::without_url)?;
    let mut bytes = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > MAX {
            break;
        }
    }
    Ok(bytes)
}

fn stamp(file: &Path) -> Option<Stamp> {
    let metadata = file.metadata().ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// Plain HTTP is for this machine alone.
fn url(address: &str) -> Result<Url, SourceError> {
    let url: Url = address.parse().map_err(|error| SourceError::Url(address.into(), error))?;
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_here => Ok(url),
        _ => Err(SourceError::Plain(url)),
    }
}

fn client(authority: Option<&Path>) -> Result<Client, SourceError> {
    // A second installation is refused, and the first serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder()
        .timeout(LIMIT)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("cedarkey/", env!("CARGO_PKG_VERSION")));
    let client = match authority {
        Some(file) => {
            let wrong = |error| SourceError::Authority(file.to_owned(), error);
            let pem = std::fs::read(file).map_err(|error| wrong(error.into()))?;
            let authorities =
                Certificate::from_pem_bundle(&pem).map_err(|error| wrong(error.into()))?;
            if authorities.is_empty() {
                return Err(wrong("there is no certificate in it".into()));
            }
            client.tls_certs_only(authorities)
        }
        None => client,
    };
    client.build().map_err(SourceError::Client)
}

// === impl State ===

impl State {
    fn read_file(&mut self, file: &Path) -> Result<(), Error> {
        // Before it is read, so that what is written meanwhile is read again.
        self.stamp = stamp(file);
        let bytes = std::fs::read(file)?;
        self.take(&bytes)
    }

    /// Takes a key set. Keys of kinds that are not known are passed over (RFC 7517, section 5).
    fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        /// One whose entries may be anything.
        #[derive(Deserialize)]
        struct Entries {
            keys: Vec<serde_json::Value>,
        }

        if bytes.len() > MAX {
            return Err(format!("it has more than {MAX} bytes").into());
        }
        let Entries { keys } = serde_json::from_slice(bytes).map_err(|error| {
            format!("it is no JSON Web Key Set (`{{\"keys\": [..]}}`): {error}")
        })?;
        self.keys = keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect();
        self.read = Some(Instant::now());
        Ok(())
    }

    fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<DecodingKey> {
        let fits = |key: &&Jwk| {
            is_for(key, algorithm)
                && kid.is_none_or(|kid| key.common.key_id.as_deref() == Some(kid))
        };
        let mut fitting = self.keys.iter().filter(fits);
        let key = fitting.next()?;
        // Without a name there must be no choice.
        if kid.is_none() && fitting.next().is_some() {
            return None;
        }
        DecodingKey::from_jwk(key).ok()
    }
}

/// Whether a key can have made a signature by an algorithm, and may (RFC 7517, sections 4.2 to 4.4).
fn is_for(key: &Jwk, algorithm: Algorithm) -> bool {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    let common = &key.common;
    let is_for_signatures = matches!(common.public_key_use, None | Some(PublicKeyUse::Signature))
        && common.key_operations.as_ref().is_none_or(|them| them.contains(&KeyOperations::Verify));
    let is_its = common.key_algorithm.is_none_or(|own| own == KeyAlgorithm::from(algorithm));
    let is_its_kind = match &key.algorithm {
        AlgorithmParameters::RSA(_) => {
            matches!(algorithm, RS256 | RS384 | RS512 | PS256 | PS384 | PS512)
        }
        AlgorithmParameters::EllipticCurve(curve) => matches!(
            (&curve.curve, algorithm),
            (EllipticCurve::P256, ES256) | (EllipticCurve::P384, ES384)
        ),
        AlgorithmParameters::OctetKeyPair(pair) => {
            pair.curve == EllipticCurve::Ed25519 && algorithm == EdDSA
        }
        // A secret is no public key, and what is not known is none either.
        _ => false,
    };
    is_for_signatures && is_its && is_its_kind
}
