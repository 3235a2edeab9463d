//! Who proves to be somebody: an authority that certifies, and an issuer of JWTs.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};
use serde_json::{Value, json};
use std::net::Ipv4Addr;

/// A certificate and its private key, as PEM.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

/// A certification authority, which signs whatever it is asked to.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate, as PEM.
    pub certificate: String,
}

/// Signs JWTs with an Ed25519 key that is called `1`.
#[derive(Debug)]
pub struct Login(SigningKey);

/// The claim `iss` of those whom tests know.
pub const ISSUER: &str = "https://login.example.com";

// === impl Authority ===

impl Authority {
    /// A new one.
    ///
    /// # Errors
    ///
    /// No key can be made.
    pub fn new() -> Result<Self, rcgen::Error> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Of another name than what it signs, which else would look signed by itself.
        params.distinguished_name.push(DnType::CommonName, "tests");
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), certificate })
    }

    /// A server on this machine.
    ///
    /// # Errors
    ///
    /// No key can be made.
    pub fn server(&self) -> Result<Identity, rcgen::Error> {
        let address = SanType::IpAddress(Ipv4Addr::LOCALHOST.into());
        self.sign(vec![SanType::DnsName("localhost".try_into()?), address])
    }

    /// A workload with this SPIFFE id.
    ///
    /// # Errors
    ///
    /// No key can be made, or the id is no URI.
    pub fn workload(&self, id: &str) -> Result<Identity, rcgen::Error> {
        self.sign(vec![SanType::URI(id.try_into()?)])
    }

    fn sign(&self, names: Vec<SanType>) -> Result<Identity, rcgen::Error> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.subject_alt_names = names;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?.pem();
        Ok(Identity { certificate, key: key.serialize_pem() })
    }
}

// === impl Login ===

impl Login {
    /// One whose key is made from a seed.
    pub fn new(seed: u8) -> Self {
        Self(SigningKey::from_bytes(&[seed; 32]))
    }

    /// Its public key (RFC 7517).
    pub fn key_set(&self) -> Value {
        let key = part(self.0.verifying_key());
        json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": "1", "x": key }] })
    }

    /// A JWT with these claims.
    pub fn token(&self, claims: &Value) -> String {
        self.token_as(&json!({ "alg": "EdDSA", "kid": "1", "typ": "JWT" }), claims)
    }

    /// A JWT whose header is just this.
    pub fn token_as(&self, header: &Value, claims: &Value) -> String {
        self.token_of(&part(header.to_string()), &part(claims.to_string()))
    }

    /// A JWT of just these parts, which are encoded already.
    pub fn token_of(&self, header: &str, claims: &str) -> String {
        let signed = format!("{header}.{claims}");
        let signature = part(self.0.sign(signed.as_bytes()).to_bytes());
        format!("{signed}.{signature}")
    }
}

/// As the parts of a JWT are encoded (RFC 7515, section 2).
pub fn part(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
