//! The filter's configuration: strict JSON.

mod fields;
mod location;
mod trusted;
mod usage;

pub use location::Location;
pub use trusted::TrustedKey;
pub use usage::Reporting;

use crate::json::{Json, JsonError};
use crate::record::Recording;
use crate::respond::challenge;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cedarkey_bundle::is_bundle_name;
use cedarkey_engine::gate::OnPolicyError;
use fields::Fields;

/// A configuration that makes sense.
#[derive(Debug)]
pub struct Config {
    /// The bundle's name.
    pub bundle: String,
    /// The keys of which one must have signed it.
    pub trusted: Vec<TrustedKey>,
    /// Where bundles come from.
    pub publisher: Option<Publisher>,
    /// A bundle to start with: an archive.
    pub seed: Option<Vec<u8>>,
    /// The lowest version that is accepted.
    pub min_version: u64,
    /// Where a request may carry its key; the first that does counts.
    pub key_from: Vec<Location>,
    /// What a caller without a key is asked for.
    pub challenge: String,
    /// Whether callers are told that their key was revoked.
    pub reveal_revoked: bool,
    /// Whether callers are told which policies denied their request.
    pub reveal_policies: bool,
    /// What a forbid that cannot be evaluated means.
    pub on_policy_error: OnPolicyError,
    /// Whether a bundle that has expired stays in force.
    pub serve_stale: bool,
    /// Which decisions are recorded for the proxy's access log.
    pub record: Recording,
    /// How usage is reported, if it is.
    pub usage: Option<Reporting>,
}

/// Where bundles come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publisher {
    /// The proxy's cluster.
    pub cluster: String,
    /// The `:authority` of requests.
    pub authority: String,
    /// How long the publisher may hold a request until there is something new, in seconds.
    pub wait_seconds: u32,
}

/// What is wrong with a configuration. The operator is at fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A field has a value that it must not have, or is missing.
    #[error("field `{field}`: {message}")]
    Field {
        /// The field, with the way to it.
        field: String,
        /// What is wrong, and what would be right.
        message: String,
    },
    /// It has not the form that it must have.
    #[error("{0}")]
    Form(String),
    /// There is no such field.
    #[error("unknown field `{field}`; there are {known}")]
    Unknown {
        /// The field, with the way to it.
        field: String,
        /// The fields that there are.
        known: String,
    },
}

const FIELDS: [&str; 12] = [
    "bundle",
    "trusted_keys",
    "publisher",
    "seed",
    "min_version",
    "key_from",
    "reveal_revoked",
    "reveal_policies",
    "on_policy_error",
    "on_stale",
    "record",
    "usage",
];

const ON_POLICY_ERROR: [(&str, OnPolicyError); 2] =
    [("deny", OnPolicyError::Deny), ("cedar", OnPolicyError::Cedar)];

const RECORD: [(&str, Recording); 3] =
    [("none", Recording::None), ("denied", Recording::Denied), ("all", Recording::All)];

const AUTHORITY: &str = "cedarkey-publisher";

/// How long a poll waits by default, and at most, in seconds.
const WAIT: (u64, u32) = (30, 60);

// === impl Config ===

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    ///
    /// Names the first field that is not as it must be.
    pub fn parse(json: &[u8]) -> Result<Self, ConfigError> {
        if json.is_empty() {
            return Err(ConfigError::Form("the configuration is empty".into()));
        }
        let mut fields = Fields::of(Json::parse(json)?, String::new(), &FIELDS)?;
        let bundle = bundle(fields.require("bundle")?)?;
        let key_from = match fields.take("key_from") {
            None => vec![Location::Header("x-api-key".into()), Location::Bearer],
            Some(places) => location::read(places, "key_from".into())?,
        };
        let mut config = Self {
            challenge: challenge(&bundle, &key_from),
            bundle,
            trusted: trusted::read(fields.require("trusted_keys")?, "trusted_keys".into())?,
            publisher: fields.take("publisher").map(publisher).transpose()?,
            seed: fields.text("seed")?.map(|text| seed(&text)).transpose()?,
            min_version: fields.number("min_version")?.unwrap_or_default(),
            key_from,
            reveal_revoked: fields.flag("reveal_revoked")?,
            reveal_policies: fields.flag("reveal_policies")?,
            on_policy_error: fields.choice("on_policy_error", &ON_POLICY_ERROR)?,
            serve_stale: fields.choice("on_stale", &[("deny", false), ("serve", true)])?,
            record: fields.choice("record", &RECORD)?,
            usage: usage::read(fields.take("usage"))?,
        };
        if config.publisher.is_none() {
            // There is nobody to report to.
            config.usage = None;
        }
        if config.publisher.is_none() && config.seed.is_none() {
            let message = "it is missing; without it and without `seed` there is no bundle";
            return Err(wrong("publisher", message));
        }
        Ok(config)
    }
}

fn bundle(json: Json) -> Result<String, ConfigError> {
    let name = fields::text(json, "bundle".into())?;
    if !is_bundle_name(&name) {
        let message = format!("`{name}` is not 1 to 64 of `a`-`z`, `0`-`9` and `-`");
        return Err(wrong("bundle", message));
    }
    Ok(name)
}

fn publisher(json: Json) -> Result<Publisher, ConfigError> {
    let known = ["cluster", "authority", "wait_seconds"];
    let mut fields = Fields::of(json, "publisher".into(), &known)?;
    let cluster = fields::text(fields.require("cluster")?, fields.field("cluster"))?;
    if cluster.is_empty() {
        return Err(wrong("publisher.cluster", "it is empty; name a cluster of the proxy"));
    }
    let authority = fields.text("authority")?.unwrap_or_else(|| AUTHORITY.into());
    if authority.is_empty() || !authority.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(wrong("publisher.authority", format!("`{authority}` is not a host")));
    }
    let (default, most) = WAIT;
    let wait = fields.number("wait_seconds")?.unwrap_or(default);
    let wait_seconds = u32::try_from(wait).ok().filter(|wait| (1..=most).contains(wait));
    let wait_seconds = wait_seconds
        .ok_or_else(|| wrong("publisher.wait_seconds", format!("it is not from 1 to {most}")))?;
    Ok(Publisher { cluster, authority, wait_seconds })
}

fn seed(text: &str) -> Result<Vec<u8>, ConfigError> {
    let bytes = STANDARD.decode(text);
    bytes.map_err(|_| wrong("seed", "it is not base64; it is a `.ckb` file as base64"))
}

fn wrong(field: impl Into<String>, message: impl Into<String>) -> ConfigError {
    ConfigError::Field { field: field.into(), message: message.into() }
}

// === impl ConfigError ===

impl From<JsonError> for ConfigError {
    fn from(error: JsonError) -> Self {
        Self::Form(error.to_string())
    }
}

#[cfg(test)]
mod tests;
