//! The keys that are trusted, and when.

use super::fields::{self, Fields};
use super::{ConfigError, wrong};
use crate::json::Json;
use cedarkey_bundle::PublicKey;
use cedarkey_engine::ext::datetime;

/// A key of whom bundles are taken, for a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrustedKey {
    key: PublicKey,
    /// The first instant at which it is trusted, in milliseconds.
    not_before: i64,
    /// The first instant at which it no longer is.
    not_after: i64,
}

/// The keys of a configuration.
pub fn read(json: Json, field: String) -> Result<Vec<TrustedKey>, ConfigError> {
    let mut keys: Vec<TrustedKey> = Vec::new();
    for (place, json) in fields::list(json, field.clone())? {
        let (text, key) = match json {
            Json::Text(text) => {
                let key = key(&text, &field)?;
                (text, TrustedKey { key, not_before: i64::MIN, not_after: i64::MAX })
            }
            json @ Json::Object(_) => read_one(json, place)?,
            other => {
                let what = "a public key or {\"key\", \"not_before\", \"not_after\"}";
                return Err(wrong(place, format!("it is {} instead of {what}", other.kind())));
            }
        };
        if keys.iter().any(|other| other.key == key.key) {
            return Err(wrong(field, format!("`{text}` is named twice")));
        }
        keys.push(key);
    }
    Ok(keys)
}

fn read_one(json: Json, place: String) -> Result<(String, TrustedKey), ConfigError> {
    let mut fields = Fields::of(json, place.clone(), &["key", "not_before", "not_after"])?;
    let text = fields::text(fields.require("key")?, fields.field("key"))?;
    let key = key(&text, &fields.field("key"))?;
    let not_before = instant(&mut fields, "not_before")?.unwrap_or(i64::MIN);
    let not_after = instant(&mut fields, "not_after")?.unwrap_or(i64::MAX);
    if not_after <= not_before {
        return Err(wrong(place, "`not_after` is not after `not_before`: it is never trusted"));
    }
    Ok((text, TrustedKey { key, not_before, not_after }))
}

fn key(text: &str, field: &str) -> Result<PublicKey, ConfigError> {
    text.parse::<PublicKey>().map_err(|error| wrong(field, format!("`{text}`: {error}")))
}

fn instant(fields: &mut Fields, name: &str) -> Result<Option<i64>, ConfigError> {
    let Some(text) = fields.text(name)? else { return Ok(None) };
    let instant = datetime::parse(&text);
    let what = "is not a date, as `2027-01-31`, or an instant, as `2027-01-31T12:00:00Z`";
    instant.map(Some).map_err(|_| wrong(fields.field(name), format!("`{text}` {what}")))
}

// === impl TrustedKey ===

impl TrustedKey {
    /// The key.
    pub fn key(&self) -> PublicKey {
        self.key
    }

    /// Whether it is trusted at an instant, in milliseconds.
    pub fn holds_at(&self, now: i64) -> bool {
        (self.not_before..self.not_after).contains(&now)
    }

    /// What tells it from others, and from itself at another time.
    pub fn to_bytes(self) -> Vec<u8> {
        let times = [self.not_before, self.not_after].map(i64::to_le_bytes);
        [self.key.as_bytes(), times.as_flattened()].concat()
    }
}
