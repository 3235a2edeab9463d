//! What is known of the use of keys.

mod source;

pub use source::Source;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;

/// The use of a bundle's keys, as proxies have told a publisher.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Usage {
    /// The bundle's name.
    pub name: String,
    /// When this was known.
    #[serde(deserialize_with = "instant")]
    pub now: Timestamp,
    /// Since when anything is known, if anything is.
    #[serde(default, deserialize_with = "instant_if_any")]
    pub since: Option<Timestamp>,
    /// The keys that were used or denied, in the order of their ids.
    pub keys: Vec<KeyUsage>,
}

/// The use of one key.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct KeyUsage {
    /// The key's id.
    pub key: String,
    /// The requests that were allowed.
    pub allowed: Count,
    /// Those that were denied.
    pub denied: Count,
    /// Those that were allowed, by action; the empty name stands for those there was no room for.
    pub actions: BTreeMap<String, Count>,
    /// Those that were denied, by cause.
    pub causes: BTreeMap<String, Count>,
    /// Those of which it is known where they came from.
    pub networks: BTreeMap<String, Count>,
    /// By day in UTC, for at most 90 days: how many were allowed, and how many denied.
    pub days: BTreeMap<Date, (u64, u64)>,
}

/// How often, and when last.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub struct Count {
    /// How often.
    pub count: u64,
    /// When last.
    #[serde(deserialize_with = "instant")]
    pub last: Timestamp,
}

/// An instant as publishers write it, and as this command does.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Seconds(i64),
    Text(Timestamp),
}

// === impl Usage ===

impl Usage {
    /// In order and in one line each, whoever has written it.
    pub fn sorted(mut self) -> Self {
        for key in &mut self.keys {
            key.key.retain(|letter| !letter.is_control());
            for names in [&mut key.actions, &mut key.causes, &mut key.networks] {
                *names = std::mem::take(names)
                    .into_iter()
                    .map(|(name, count)| (name.replace(char::is_control, ""), count))
                    .collect();
            }
        }
        self.keys.sort_by(|a, b| a.key.cmp(&b.key));
        self
    }

    /// When it was known, seen from an instant: no later than that.
    pub fn seen(&self, now: Timestamp) -> Timestamp {
        self.now.min(now)
    }

    /// For how long there was a look at what began at an instant.
    pub fn watched(&self, begun: Timestamp, now: Timestamp) -> SignedDuration {
        let seen = self.seen(now);
        seen.duration_since(self.since.unwrap_or(seen).max(begun))
    }

    /// What is known of a key; nothing is not the same as that it was never used.
    pub fn of(&self, id: &str) -> Option<&KeyUsage> {
        let at = self.keys.binary_search_by(|key| key.key.as_str().cmp(id)).ok()?;
        self.keys.get(at)
    }

    /// When a key was last used, as far as is known.
    pub fn last_used(&self, id: &str) -> Option<Timestamp> {
        self.of(id).and_then(KeyUsage::last_used)
    }
}

// === impl KeyUsage ===

impl KeyUsage {
    /// When a request with it was last allowed.
    pub fn last_used(&self) -> Option<Timestamp> {
        (self.allowed.count > 0).then_some(self.allowed.last)
    }
}

/// What names stand for that there was no room for.
pub fn named(name: &str) -> &str {
    if name.is_empty() { "others" } else { name }
}

fn instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    match Written::deserialize(deserializer)? {
        Written::Seconds(seconds) => {
            Timestamp::from_second(seconds).map_err(serde::de::Error::custom)
        }
        Written::Text(instant) => Ok(instant),
    }
}

fn instant_if_any<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Timestamp>, D::Error> {
    #[derive(Deserialize)]
    struct Given(#[serde(deserialize_with = "instant")] Timestamp);
    Ok(Option::<Given>::deserialize(deserializer)?.map(|Given(instant)| instant))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_publishers_write_is_read_and_so_is_what_is_made_of_it() {
        let text = r#"{"name": "shop", "now": 1800000000, "since": null, "next": null, "keys": [
            {"key": "A", "allowed": {"count": 2, "last": 1799999940}, "denied": {"count": 0, "last": 0},
             "actions": {"listOrders": {"count": 2, "last": 1799999940}}, "causes": {}, "networks": {},
             "days": {"2027-01-15": [2, 0]}}]}"#;
        let usage: Usage = serde_json::from_str(text).unwrap();
        assert_eq!(usage.last_used("A").unwrap().to_string(), "2027-01-15T07:59:00Z");
        assert_eq!((usage.since, usage.last_used("B")), (None, None));
        let written = serde_json::to_string(&usage).unwrap();
        let again: Usage = serde_json::from_str(&written).unwrap();
        assert_eq!(serde_json::to_string(&again).unwrap(), written);
        assert!(written.contains(r#""now":"2027-01-15T08:00:00Z""#), "{written}");
    }
}
