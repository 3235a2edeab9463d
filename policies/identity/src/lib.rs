//! Who a workload is: the SPIFFE id that its JWT or its certificate proves.
//!
//! ```text
//! Authorization: Bearer ──> issuer ─> key set ─> signature, times, audience ─> claims ─┐
//! client certificate ─────────────────────────> its one URI, of the trust domain ──────┴─> SpiffeId
//! ```
//!
//! JWTs are verified as RFC 7519 and RFC 8725 say: with the algorithms that a public key has, and
//! none that a shared secret would have; certificates have been verified by TLS before, and are read
//! as the X.509-SVID standard says.

mod certificate;
mod claims;
mod jwt;
mod key_set;
mod provider;

use cedarkey_compiler::mint::{SpiffeError, SpiffeId};
use cedarkey_compiler::settings::{IssuerSettings, MintSettings};
use jwt::Issuer;
use std::path::Path;

pub use key_set::SourceError;

/// Who somebody has proved to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The id.
    pub spiffe_id: SpiffeId,
    /// Whose JWT says so; a certificate does, if absent.
    pub issuer: Option<String>,
}

/// By what somebody may prove who they are.
#[derive(Debug)]
pub struct Identities {
    issuers: Vec<Issuer>,
    /// The trust domain of certificates.
    domain: Option<String>,
}

/// Why somebody is nobody.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// The certificate does not name one SPIFFE id.
    #[error("the client's certificate does not name exactly one SPIFFE id as its URI")]
    Certificate,
    /// Its SPIFFE id is of another trust domain.
    #[error(
        "the client's certificate names a SPIFFE id of `{found}`, and only those of `{expected}` are known here"
    )]
    Domain {
        /// Of the certificate.
        found: String,
        /// What is configured.
        expected: String,
    },
    /// The JWT and the certificate name different ones.
    #[error("the JWT proves `{jwt}` and the client's certificate `{certificate}`")]
    Differ {
        /// By the JWT.
        jwt: SpiffeId,
        /// By the certificate.
        certificate: SpiffeId,
    },
    /// There is a JWT, and it proves nothing.
    #[error(transparent)]
    Jwt(#[from] JwtError),
    /// There is nothing that would prove anything.
    #[error(
        "the request proves nothing: send a JWT as `Authorization: Bearer`, or use a client certificate"
    )]
    Nothing,
}

/// Why a JWT proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum JwtError {
    /// Its signature is by an algorithm that is not taken.
    #[error(
        "the JWT's algorithm is none of RS256 to RS512, PS256 to PS512, ES256, ES384 and EdDSA"
    )]
    Algorithm,
    /// It is for somebody else.
    #[error("the JWT's `aud` is not `{0}`")]
    Audience(String),
    /// It is no JWT, or lacks what each must have.
    #[error("the token is no JWT with `iss`, `aud`, `exp` and a signature: {0}")]
    Form(String),
    /// Nobody knows its issuer.
    #[error("no issuer `{0}` is known here")]
    Issuer(String),
    /// The issuer has no such key.
    #[error("the issuer has no key with the JWT's `kid` for its algorithm")]
    Key,
    /// The issuer's keys cannot be had at present.
    #[error("the issuer's keys cannot be had at present; try again")]
    Keys,
    /// It names no SPIFFE id.
    #[error("the JWT names no SPIFFE id: {0}")]
    Naming(#[from] SpiffeError),
    /// It names one that its issuer has no say in.
    #[error("the JWT's `sub` is a SPIFFE id of `{0}`, in which its issuer has no say")]
    Foreign(String),
    /// It was not signed by the key that it names.
    #[error("the JWT's signature is wrong")]
    Signature,
    /// Its time is over.
    #[error("the JWT has expired")]
    Expired,
    /// Its time has not come.
    #[error("the JWT is not valid yet: its `nbf` is ahead of the clock here")]
    Early,
}

// === impl Identities ===

impl Identities {
    /// Those of a project.
    ///
    /// # Errors
    ///
    /// Where an issuer's keys can never be had: the address is none, or not one that can be trusted.
    pub fn new(settings: &MintSettings, root: &Path) -> Result<Self, SourceError> {
        provider::install();
        let issuer = |issuer: &IssuerSettings| Issuer::new(issuer, root);
        Ok(Self {
            issuers: settings.issuers.iter().map(issuer).collect::<Result<_, _>>()?,
            domain: settings.certificates.as_ref().map(|it| it.trust_domain.clone()),
        })
    }

    /// Who somebody is by a JWT, by a certificate that TLS has verified, or by both.
    ///
    /// # Errors
    ///
    /// Where what there is does not prove it, or the two say different things.
    pub async fn prove(
        &self,
        jwt: Option<&str>,
        certificate: Option<&[u8]>,
    ) -> Result<Identity, ProofError> {
        let certified = match (certificate, &self.domain) {
            (Some(certificate), Some(domain)) => Some(certificate::spiffe_id(certificate, domain)?),
            _ => None,
        };
        let Some(jwt) = jwt else {
            let spiffe_id = certified.ok_or(ProofError::Nothing)?;
            return Ok(Identity { spiffe_id, issuer: None });
        };
        let (spiffe_id, issuer) = self.by_jwt(jwt).await?;
        match certified {
            Some(certificate) if certificate != spiffe_id => {
                Err(ProofError::Differ { jwt: spiffe_id, certificate })
            }
            _ => Ok(Identity { spiffe_id, issuer: Some(issuer) }),
        }
    }

    async fn by_jwt(&self, jwt: &str) -> Result<(SpiffeId, String), JwtError> {
        let claimed = claims::issuer(jwt)?;
        let issuer = self.issuers.iter().find(|issuer| issuer.name == claimed);
        let issuer = issuer.ok_or_else(|| JwtError::Issuer(claimed.clone()))?;
        Ok((issuer.verify(jwt).await?, claimed))
    }
}

// === impl ProofError ===

impl ProofError {
    /// The cause, as it is counted and told; stable.
    #[must_use]
    pub fn cause(&self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Differ { .. } => "identities_differ",
            Self::Domain { .. } => "trust_domain",
            Self::Jwt(error) => match error {
                JwtError::Algorithm => "jwt_algorithm",
                JwtError::Audience(_) => "jwt_audience",
                JwtError::Foreign(_) => "trust_domain",
                JwtError::Form(_) => "jwt_form",
                JwtError::Issuer(_) => "jwt_issuer",
                JwtError::Key => "jwt_key",
                JwtError::Keys => "jwt_keys_away",
                JwtError::Naming(_) => "jwt_naming",
                JwtError::Signature => "jwt_signature",
                JwtError::Early | JwtError::Expired => "jwt_time",
            },
            Self::Nothing => "no_proof",
        }
    }

    /// Whether it may be otherwise another time, without a change on the client's side.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Jwt(JwtError::Keys))
    }
}
