//! The form of a case file.

use super::LONG_AGO;
use super::identity::{ClaimCase, TlsCase};
use crate::keys::KeySpec;
use crate::mint::Wanted;
use crate::project::Project;
use cedarkey_engine::key::KeyId;
use cedarkey_engine::token::KeyHash;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_saphyr::Spanned;
use std::collections::BTreeMap;

/// A case file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseFile {
    /// The keys that the cases use, by name.
    #[serde(default)]
    pub keys: BTreeMap<String, Spanned<KeyFixture>>,
    /// The cases.
    #[serde(default)]
    pub cases: Vec<Case>,
    /// Those in which workloads ask for keys.
    #[serde(default)]
    pub mint: Vec<MintCase>,
}

/// A key for tests. What is not given is harmless: valid for ever, from anywhere, without scopes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct KeyFixture {
    /// Its environment; the project's, if absent.
    pub environment: Option<String>,
    /// Its owner.
    #[serde(default = "tests")]
    pub owner: String,
    /// Its purpose.
    #[serde(default = "tests")]
    pub purpose: String,
    /// Its team's id.
    pub team: Option<String>,
    /// Its workload's id.
    pub workload: Option<String>,
    /// Its scopes.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Its networks.
    #[serde(default)]
    pub networks: Vec<String>,
    /// Its SPIFFE ids.
    #[serde(default)]
    pub spiffe_ids: Vec<String>,
    /// When it was issued.
    pub created: Option<Timestamp>,
    /// From when on it is valid.
    pub not_before: Option<Timestamp>,
    /// From when on it is no longer valid.
    pub expires: Option<Timestamp>,
    /// Whether it was revoked.
    #[serde(default)]
    pub revoked: bool,
    /// Whether it is a decoy.
    #[serde(default)]
    pub decoy: bool,
}

/// One request and what is to be decided.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// The key's name, or `none`, `unknown` or `malformed`.
    pub key: String,
    /// The request.
    #[serde(default)]
    pub request: RequestCase,
    /// What is to be decided.
    pub expect: Expectation,
}

/// A workload that asks for a key, and what is to be decided.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct MintCase {
    /// What it shows.
    pub name: String,
    /// The SPIFFE id that it has proved.
    pub spiffe_id: String,
    /// Whose JWT says so; a certificate, if absent.
    pub issuer: Option<String>,
    /// What it asks for.
    #[serde(default)]
    pub wants: Wanted,
    /// How many keys it has that can be used.
    #[serde(default)]
    pub live_keys: usize,
    /// When it asks; now, if absent.
    pub now: Option<Timestamp>,
    /// What is to be decided.
    pub expect: Expectation,
}

/// A request.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct RequestCase {
    /// The method.
    pub method: String,
    /// The host.
    pub host: String,
    /// The path and query.
    pub path: String,
    /// Headers, by name.
    pub headers: BTreeMap<String, String>,
    /// Where it comes from.
    pub source_ip: std::net::IpAddr,
    /// The peer's certificate, as the proxy has verified it.
    pub tls: TlsCase,
    /// The claims of a JWT that the proxy has verified, by name.
    pub claims: BTreeMap<String, ClaimCase>,
    /// When it comes; now, if absent.
    pub now: Option<Timestamp>,
}

/// What is to be decided. What is not given does not matter.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// Allow or deny.
    pub decision: Decision,
    /// The HTTP status of a denial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The cause of a denial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// All policies that determine the decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policies: Option<Vec<String>>,
    /// What the caller is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Allow or deny.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// The request passes.
    Allow,
    /// It does not.
    Deny,
}

// === impl KeyFixture ===

impl KeyFixture {
    /// The key as the registry would give it.
    pub(super) fn spec(&self, id: KeyId, token: &str, project: &Project) -> KeySpec {
        let environment = self.environment.as_ref().unwrap_or(&project.settings.bundle.environment);
        let created = self.created.unwrap_or(LONG_AGO);
        KeySpec {
            id: id.to_string(),
            hash: KeyHash::of(token).to_string(),
            environment: environment.clone(),
            owner: self.owner.clone(),
            purpose: self.purpose.clone(),
            team: self.team.clone(),
            workload: self.workload.clone(),
            scopes: self.scopes.clone(),
            networks: self.networks.clone(),
            spiffe_ids: self.spiffe_ids.clone(),
            created,
            not_before: self.not_before.unwrap_or(created),
            expires: self.expires,
            revoked: self.revoked,
            ended: false,
            decoy: self.decoy,
        }
    }
}

fn tests() -> String {
    "tests".into()
}

// === impl RequestCase ===

impl Default for RequestCase {
    fn default() -> Self {
        Self {
            method: "GET".into(),
            host: "localhost".into(),
            path: "/".into(),
            headers: BTreeMap::new(),
            source_ip: std::net::Ipv4Addr::LOCALHOST.into(),
            tls: TlsCase::default(),
            claims: BTreeMap::new(),
            now: None,
        }
    }
}
