//! An issuer of JWTs.

use cedarkey_compiler::settings::MintSettings;
use cedarkey_host_kit::identities as kit;
use cedarkey_identity::{Identities, Identity, ProofError};
use kit::{ISSUER, part};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

/// Signs JWTs with one of two keys.
pub struct Login {
    /// Calls its key `1`.
    pub ed: kit::Login,
    /// Its key is called `curve`.
    curve: EcdsaKeyPair,
    random: SystemRandom,
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Claims that prove `exporter`.
pub fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": "cedarkey", "sub": "exporter",
        "exp": now() + 60, "nbf": now() - 60, "iat": now() - 60,
    })
}

/// Claims with others instead.
pub fn with(other: &Value) -> Value {
    let mut claims = claims();
    for (name, value) in other.as_object().unwrap() {
        claims[name] = value.clone();
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        }
    }
    claims
}

/// What is known where the issuer's keys are in a file.
pub struct Known {
    pub folder: TempDir,
    pub identities: Identities,
}

// === impl Login ===

impl Login {
    pub fn new(seed: u8) -> Self {
        let random = SystemRandom::new();
        let method = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let curve = EcdsaKeyPair::generate_pkcs8(method, &random).unwrap();
        let curve = EcdsaKeyPair::from_pkcs8(method, curve.as_ref(), &random).unwrap();
        Self { ed: kit::Login::new(seed), curve, random }
    }

    /// Its public keys.
    pub fn keys(&self) -> Value {
        let point = self.curve.public_key().as_ref();
        let mut keys = self.ed.key_set();
        keys["keys"].as_array_mut().unwrap().push(json!({
            "kty": "EC", "crv": "P-256", "kid": "curve", "use": "sig", "alg": "ES256",
            "x": part(&point[1..33]), "y": part(&point[33..]),
        }));
        keys
    }

    pub fn sign(&self, claims: &Value) -> String {
        self.ed.token(claims)
    }

    pub fn sign_on_curve(&self, claims: &Value) -> String {
        let header = json!({ "alg": "ES256", "kid": "curve" });
        let signed = format!("{}.{}", part(header.to_string()), part(claims.to_string()));
        let signature = self.curve.sign(&self.random, signed.as_bytes()).unwrap();
        format!("{signed}.{}", part(signature))
    }
}

// === impl Known ===

impl Known {
    /// The issuer alone.
    pub fn issuer(keys: &Value) -> Self {
        Self::by(ISSUER, keys)
    }

    /// One of this name.
    pub fn by(issuer: &str, keys: &Value) -> Self {
        Self::named(issuer, keys, "spiffe_id = 'spiffe://example.com/{/sub}'", "")
    }

    /// One whose JWTs name somebody so, and settings besides.
    pub fn with(keys: &Value, naming: &str, more: &str) -> Self {
        Self::named(ISSUER, keys, naming, more)
    }

    fn named(issuer: &str, keys: &Value, naming: &str, more: &str) -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("jwks.json"), keys.to_string()).unwrap();
        let settings = format!(
            "[[issuers]]\nissuer = '{issuer}'\naudience = 'cedarkey'\njwks = 'jwks.json'\n{naming}\n{more}"
        );
        let identities = Identities::new(&settings_of(&settings), folder.path()).unwrap();
        Self { folder, identities }
    }

    pub async fn prove(&self, jwt: &str) -> Result<Identity, ProofError> {
        self.identities.prove(Some(jwt), None).await
    }

    /// The cause for which a JWT proves nothing.
    pub async fn refuse(&self, jwt: &str) -> &'static str {
        match self.prove(jwt).await {
            Ok(identity) => panic!("{jwt} proves {}", identity.spiffe_id),
            Err(error) => error.cause(),
        }
    }
}

pub fn settings_of(text: &str) -> MintSettings {
    toml::from_str(text).unwrap()
}
