//! A key as it is written in files: `keys.yaml`, and what is imported and exported.

use crate::time::some_point;
use cedarkey_engine::token::KeyHash;
use cedarkey_registry::{Key, NewKey, State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The columns of a table: what `keys export` writes, and `keys import` reads. The id and the state
/// say nothing of a new key.
pub const COLUMNS: [&str; 16] = [
    "id",
    "name",
    "sha256",
    "owner",
    "purpose",
    "team",
    "workload",
    "scopes",
    "networks",
    "spiffeIds",
    "labels",
    "notBefore",
    "expires",
    "reviewBy",
    "state",
    "decoy",
];

/// A key in a file. What is not given is absent or empty.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct KeyEntry {
    /// What it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// SHA-256 of its token, in hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Who answers for it.
    pub owner: String,
    /// What it is for.
    pub purpose: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spiffe_ids: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some_point")]
    pub not_before: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some_point")]
    pub expires: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some_point")]
    pub review_by: Option<Timestamp>,
    /// `active` unless something else is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// Whether it is a decoy.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub decoy: bool,
}

// === impl KeyEntry ===

impl KeyEntry {
    /// The key that it is, without the prefix and environment, which are the project's.
    pub fn new_key(&self) -> NewKey {
        NewKey {
            name: self.name.clone(),
            owner: self.owner.clone(),
            purpose: self.purpose.clone(),
            team: self.team.clone(),
            workload: self.workload.clone(),
            scopes: self.scopes.clone(),
            networks: self.networks.clone(),
            spiffe_ids: self.spiffe_ids.clone(),
            labels: self.labels.clone(),
            not_before: self.not_before,
            expires: self.expires,
            review_by: self.review_by,
            decoy: self.decoy,
            ..NewKey::default()
        }
    }

    /// Its hash, if it has one that is one.
    pub fn hash(&self) -> Result<Option<KeyHash>, String> {
        let Some(text) = &self.sha256 else { return Ok(None) };
        let wrong = || String::from("`sha256` is not 64 hexadecimal digits");
        KeyHash::from_hex(text).map(Some).ok_or_else(wrong)
    }
}

impl From<&Key> for KeyEntry {
    fn from(key: &Key) -> Self {
        Self {
            name: key.name.clone(),
            sha256: Some(key.hash.clone()),
            owner: key.owner.clone(),
            purpose: key.purpose.clone(),
            team: key.team.clone(),
            workload: key.workload.clone(),
            scopes: key.scopes.clone(),
            networks: key.networks.clone(),
            spiffe_ids: key.spiffe_ids.clone(),
            labels: key.labels.clone(),
            not_before: Some(key.not_before),
            expires: key.expires,
            review_by: key.review_by,
            decoy: key.decoy,
            state: Some(key.state),
        }
    }
}
