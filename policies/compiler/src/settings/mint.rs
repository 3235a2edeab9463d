//! `[mint]`: how workloads prove who they are, to be given keys on demand.

use super::Lifetime;
use crate::mint::{SpiffeTemplate, is_trust_domain};
use jiff::SignedDuration;
use serde::{Deserialize, Deserializer};
use std::path::PathBuf;

/// `[mint]`
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "MintTable")]
pub struct MintSettings {
    /// How long a key lives if the workload does not say.
    pub lifetime: Lifetime,
    /// The longest that a key may live, whatever policies say.
    pub max_lifetime: Lifetime,
    /// Whose JWTs prove who somebody is.
    pub issuers: Vec<IssuerSettings>,
    /// Whose certificates do.
    pub certificates: Option<Certificates>,
}

/// `[[mint.issuers]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "IssuerTable")]
pub struct IssuerSettings {
    /// The claim `iss`.
    pub issuer: String,
    /// What the claim `aud` must hold.
    pub audience: String,
    /// Where the issuer's public keys are.
    pub keys: KeySetSource,
    /// How a JWT names a SPIFFE id.
    pub naming: Naming,
}

/// Where a JSON Web Key Set is (RFC 7517).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySetSource {
    /// A file, relative to the project. It is read again when it changes.
    File(PathBuf),
    /// A URL, and the file of the authority that its certificate is by, if it is not one that the
    /// system trusts.
    Url(String, Option<PathBuf>),
}

/// How a JWT names a SPIFFE id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Naming {
    /// The claim `sub` is one, of this trust domain, as in a JWT-SVID.
    Subject(String),
    /// It is made from claims.
    Template(SpiffeTemplate),
}

/// `[mint.certificates]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificates {
    /// The trust domain of the SPIFFE ids that certificates may name.
    #[serde(deserialize_with = "trust_domain")]
    pub trust_domain: String,
    /// The authorities that certificates are by: a PEM file, relative to the project.
    pub ca: PathBuf,
}

/// `[mint]`, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MintTable {
    lifetime: Option<Lifetime>,
    max_lifetime: Option<Lifetime>,
    #[serde(default)]
    issuers: Vec<IssuerSettings>,
    certificates: Option<Certificates>,
}

/// `[[mint.issuers]]`, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IssuerTable {
    issuer: String,
    audience: String,
    jwks: String,
    jwks_ca: Option<PathBuf>,
    trust_domain: Option<String>,
    spiffe_id: Option<SpiffeTemplate>,
}

// === impl MintSettings ===

impl Default for MintSettings {
    fn default() -> Self {
        let lifetime = Lifetime(SignedDuration::from_mins(15));
        let max_lifetime = Lifetime(SignedDuration::from_hours(1));
        Self { lifetime, max_lifetime, issuers: Vec::new(), certificates: None }
    }
}

impl TryFrom<MintTable> for MintSettings {
    type Error = String;

    fn try_from(table: MintTable) -> Result<Self, String> {
        let MintTable { lifetime, max_lifetime, issuers, certificates } = table;
        let usual = Self::default();
        let max_lifetime = max_lifetime.unwrap_or(usual.max_lifetime);
        let lifetime = match lifetime {
            Some(lifetime) if lifetime > max_lifetime => {
                return Err(format!(
                    "`lifetime` {lifetime} is more than `max_lifetime` {max_lifetime}"
                ));
            }
            Some(lifetime) => lifetime,
            None => usual.lifetime.min(max_lifetime),
        };
        if issuers.is_empty() && certificates.is_none() {
            return Err("`[mint]` needs `[[mint.issuers]]` or `[mint.certificates]`, by which workloads prove who they are".into());
        }
        let mut names: Vec<_> = issuers.iter().map(|issuer| &issuer.issuer).collect();
        names.sort_unstable();
        if let Some([name, _]) = names.array_windows().find(|[one, next]| one == next) {
            return Err(format!("the issuer `{name}` is there twice"));
        }
        Ok(Self { lifetime, max_lifetime, issuers, certificates })
    }
}

// === impl IssuerSettings ===

impl TryFrom<IssuerTable> for IssuerSettings {
    type Error = String;

    fn try_from(table: IssuerTable) -> Result<Self, String> {
        let IssuerTable { issuer, audience, jwks, jwks_ca, trust_domain, spiffe_id } = table;
        if issuer.is_empty() || audience.is_empty() || jwks.is_empty() {
            return Err("an issuer has a name, an audience and a key set".into());
        }
        let naming = match (trust_domain, spiffe_id) {
            (Some(domain), None) if is_trust_domain(&domain) => Naming::Subject(domain),
            (Some(domain), None) => return Err(no_trust_domain(&domain)),
            (None, Some(template)) => Naming::Template(template),
            _ => {
                return Err(format!(
                    "the issuer `{issuer}` needs one of `trust_domain`, where its `sub` is a SPIFFE id, and `spiffe_id`, which makes one from claims"
                ));
            }
        };
        let is_url = jwks.contains("://");
        if jwks_ca.is_some() && !is_url {
            return Err(format!("`{jwks}` is a file, so `jwks_ca` is of no use"));
        }
        let keys = match is_url {
            true => KeySetSource::Url(jwks, jwks_ca),
            false => KeySetSource::File(jwks.into()),
        };
        Ok(Self { issuer, audience, keys, naming })
    }
}

fn trust_domain<'de, D: Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    let text = String::deserialize(input)?;
    if is_trust_domain(&text) {
        return Ok(text);
    }
    Err(serde::de::Error::custom(no_trust_domain(&text)))
}

fn no_trust_domain(text: &str) -> String {
    format!("`{text}` is not a trust domain: write it as in `example.com`, without `spiffe://`")
}
