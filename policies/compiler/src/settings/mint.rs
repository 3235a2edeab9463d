//! `[mint]`: how workloads prove who they are, to be given keys on demand.

use super::Lifetime;
use crate::mint::{SpiffeTemplate, is_trust_domain};
use jiff::SignedDuration;
use serde::{Deserialize, Deserializer};
use std::path::PathBuf;

/// `[mint]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
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
        Self {
            lifetime: Lifetime(SignedDuration::from_mins(15)),
            max_lifetime: Lifetime(SignedDuration::from_hours(1)),
            issuers: Vec::new(),
            certificates: None,
        }
    }
}

// === impl IssuerSettings ===

impl TryFrom<IssuerTable> for IssuerSettings {
    type Error = String;

    fn try_from(table: IssuerTable) -> Result<Self, String> {
        let IssuerTable { issuer, audience, jwks, jwks_ca, trust_domain, spiffe_id } = table;
        if issuer.is_empty() || audience.is_empty() {
            return Err("an issuer has a name and an audience".into());
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
