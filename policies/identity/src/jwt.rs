//! JWTs of one issuer.

use crate::JwtError;
use crate::key_set::{KeySet, SourceError};
use crate::provider::ALGORITHMS;
use cedarkey_compiler::mint::SpiffeId;
use cedarkey_compiler::settings::{IssuerSettings, Naming};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Validation, decode, decode_header};
use serde_json::Value;
use std::path::Path;

/// An issuer of JWTs.
#[derive(Debug)]
pub(crate) struct Issuer {
    /// The claim `iss`.
    pub name: String,
    audience: String,
    naming: Naming,
    keys: KeySet,
}

/// How far the issuer's clock may be from this machine's, in seconds.
const LEEWAY: u64 = 30;

// === impl Issuer ===

impl Issuer {
    pub fn new(settings: &IssuerSettings, root: &Path) -> Result<Self, SourceError> {
        Ok(Self {
            name: settings.issuer.clone(),
            audience: settings.audience.clone(),
            naming: settings.naming.clone(),
            keys: KeySet::new(&settings.keys, root)?,
        })
    }

    /// The SPIFFE id that a JWT proves.
    pub async fn verify(&self, jwt: &str) -> Result<SpiffeId, JwtError> {
        let header = decode_header(jwt).map_err(form)?;
        // RFC 7515, section 4.1.11: none of what it names is known here.
        if header.crit.is_some() {
            return Err(JwtError::Form("its header has `crit`".into()));
        }
        if !ALGORITHMS.contains(&header.alg) {
            return Err(JwtError::Algorithm);
        }
        let key = self.keys.find(header.kid.as_deref(), header.alg).await?;
        let mut validation = Validation::new(header.alg);
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.set_required_spec_claims(&["aud", "exp", "iss"]);
        validation.set_audience(&[&self.audience]);
        validation.set_issuer(&[&self.name]);
        let verified = decode::<Value>(jwt, &key, &validation);
        self.spiffe_id(&verified.map_err(|error| self.refusal(&error))?.claims)
    }

    fn spiffe_id(&self, claims: &Value) -> Result<SpiffeId, JwtError> {
        // The library also takes a list that holds it.
        if claims.get("iss").and_then(Value::as_str) != Some(&self.name) {
            return Err(JwtError::Form("its `iss` is no text".into()));
        }
        match &self.naming {
            Naming::Template(template) => Ok(template.fill(claims)?),
            Naming::Subject(domain) => {
                let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default();
                let id: SpiffeId = subject.parse()?;
                match id.trust_domain() == domain {
                    true => Ok(id),
                    false => Err(JwtError::Foreign(id.trust_domain().into())),
                }
            }
        }
    }

    fn refusal(&self, error: &jsonwebtoken::errors::Error) -> JwtError {
        match error.kind() {
            ErrorKind::ExpiredSignature => JwtError::Expired,
            ErrorKind::ImmatureSignature => JwtError::Early,
            ErrorKind::InvalidAudience => JwtError::Audience(self.audience.clone()),
            ErrorKind::InvalidSignature => JwtError::Signature,
            _ => JwtError::Form(error.to_string()),
        }
    }
}

fn form(error: jsonwebtoken::errors::Error) -> JwtError {
    // `none`, and whatever else there is by that name.
    JwtError::Form(error.to_string())
}
