//! The public keys of an issuer: a JSON Web Key Set (RFC 7517), from a file or a URL.

use crate::JwtError;
use cedarkey_compiler::settings::KeySetSource;
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey};
use reqwest::{Certificate, Client};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::Mutex;
use url::{Host, Url};

/// The keys of an issuer, as they were last read.
#[derive(Debug)]
pub(crate) struct KeySet {
    source: Source,
    state: Mutex<State>,
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
    /// When it was last tried to read them.
    tried: Option<Instant>,
    /// What tells one state of a file from another.
    stamp: Option<(SystemTime, u64)>,
}

/// Why an issuer's keys can never be had. The operator is at fault.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The authority's file.
    #[error("`{}` is not a certificate in PEM", .0.display())]
    Authority(PathBuf, #[source] Box<dyn std::error::Error + Send + Sync>),
    /// No client can be had.
    #[error("cannot set up the HTTP client")]
    Client(#[source] reqwest::Error),
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
        let source = match source {
            KeySetSource::File(file) => Source::File(root.join(file)),
            KeySetSource::Url(address, authority) => {
                let authority = authority.as_ref().map(|file| root.join(file));
                let url = url(address)?;
                Source::Url(url, client(authority.as_deref())?)
            }
        };
        Ok(Self { source, state: Mutex::default() })
    }

    /// The key that a JWT's header names, or the only one that its algorithm can be of.
    pub async fn find(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<DecodingKey, JwtError> {
        // Whoever comes meanwhile waits, and finds what was read.
        let mut state = self.state.lock().await;
        let found = state.find(kid, algorithm);
        if self.is_due(&state, found.is_none()) {
            state.tried = Some(Instant::now());
            match self.read(&mut state).await {
                Ok(()) => {}
                Err(error) => {
                    let from = self.source.shown();
                    tracing::error!(%error, from, "an issuer's keys cannot be read");
                }
            }
        }
        if state.read.is_none_or(|read| read.elapsed() > STALE) {
            return Err(JwtError::Keys);
        }
        state.find(kid, algorithm).ok_or(JwtError::Key)
    }

    fn is_due(&self, state: &State, is_unknown: bool) -> bool {
        if let Source::File(file) = &self.source {
            return state.read.is_none() || stamp(file) != state.stamp;
        }
        let is_old = state.read.is_none_or(|read| read.elapsed() > FRESH);
        (is_old || is_unknown) && state.tried.is_none_or(|tried| tried.elapsed() > PAUSE)
    }

    async fn read(
        &self,
        state: &mut State,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let bytes = match &self.source {
            Source::File(file) => {
                let bytes = tokio::fs::read(file).await?;
                state.stamp = stamp(file);
                bytes
            }
            Source::Url(url, client) => fetch(client, url).await?,
        };
        if bytes.len() > MAX {
            return Err(format!("it has more than {MAX} bytes").into());
        }
        state.keys = serde_json::from_slice::<JwkSet>(&bytes)?.keys;
        state.read = Some(Instant::now());
        Ok(())
    }
}

async fn fetch(
    client: &Client,
    url: &Url,
) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    let mut response = client.get(url.clone()).send().await?.error_for_status()?;
    let mut bytes = Vec::new();
    while let Some(piece) = response.chunk().await? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > MAX {
            break;
        }
    }
    Ok(bytes)
}

fn stamp(file: &Path) -> Option<(SystemTime, u64)> {
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

// === impl Source ===

impl Source {
    fn shown(&self) -> String {
        match self {
            Self::File(file) => file.display().to_string(),
            Self::Url(url, _) => url.to_string(),
        }
    }
}

// === impl State ===

impl State {
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

/// Whether a key can have made a signature by an algorithm, and may (RFC 7517, sections 4.2, 4.4).
fn is_for(key: &Jwk, algorithm: Algorithm) -> bool {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    let is_for_signatures =
        matches!(key.common.public_key_use, None | Some(PublicKeyUse::Signature));
    let is_its = key.common.key_algorithm.is_none_or(|own| own == KeyAlgorithm::from(algorithm));
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
