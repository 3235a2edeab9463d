//! A key of the registry.

use crate::waiting::Waiting;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A key: everything but its token.
///
/// Its JSON form is what the audit keeps and hashes. A field that is added later is left out where
/// it is empty, so that old entries stay as they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Key {
    /// A ULID in its text form.
    pub id: String,
    /// What it is called in `keys.yaml`; a successor takes it over.
    pub name: Option<String>,
    /// SHA-256 of the token, in hexadecimal digits.
    pub hash: String,
    /// The prefix of the token.
    pub prefix: String,
    /// The environment that it is for.
    pub environment: String,
    /// Who answers for it.
    pub owner: String,
    /// What it is for.
    pub purpose: String,
    /// The id of the owner's team.
    pub team: Option<String>,
    /// The id of the workload that uses it.
    pub workload: Option<String>,
    /// What it may be used for.
    pub scopes: Vec<String>,
    /// Where it may be used from; empty: anywhere.
    pub networks: Vec<String>,
    /// Which SPIFFE ids it may be used by; empty: any.
    pub spiffe_ids: Vec<String>,
    /// Whatever else is to be known of it.
    pub labels: BTreeMap<String, String>,
    /// When it was issued or requested.
    pub created: Timestamp,
    /// From when on it is valid.
    pub not_before: Timestamp,
    /// From when on it is no longer valid; never, if absent.
    pub expires: Option<Timestamp>,
    /// By when somebody has to look whether it is still needed.
    pub review_by: Option<Timestamp>,
    /// What was decided about it.
    pub state: State,
    /// Since when it is in this state.
    pub since: Timestamp,
    /// Why it is in this state.
    pub reason: Option<String>,
    /// Who requested it, if somebody did.
    pub requested_by: Option<String>,
    /// Who approved the request, or issued the key.
    pub approver: Option<String>,
    /// The id of the key that it replaces.
    pub replaces: Option<String>,
    /// The id of the key that replaces it.
    pub replaced_by: Option<String>,
    /// What somebody else has to approve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
    /// Whether it is a decoy: never granted, and laid out to be found by whoever should not.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub decoy: bool,
}

/// What was decided about a key. [`Key::status`] says what that means at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is valid, as far as its times say so.
    Active,
    /// The request for it was denied.
    Denied,
    /// It was requested.
    Pending,
    /// It is no longer used.
    Retired,
    /// It was revoked.
    Revoked,
    /// It is not valid for the time being.
    Suspended,
}

// === impl Key ===

impl Key {
    /// What the audit keeps of it.
    pub(crate) fn image(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Whether proxies have to know it. They have no use for a key that was never approved.
    pub fn is_known(&self) -> bool {
        !matches!(self.state, State::Denied | State::Pending)
    }

    /// Whether proxies have to refuse it, whatever its times say.
    pub fn is_refused(&self) -> bool {
        self.state != State::Active
    }
}

// === impl State ===

impl State {
    /// As it is stored.
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Denied => "denied",
            Self::Pending => "pending",
            Self::Retired => "retired",
            Self::Revoked => "revoked",
            Self::Suspended => "suspended",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        let all = [
            Self::Active,
            Self::Denied,
            Self::Pending,
            Self::Retired,
            Self::Revoked,
            Self::Suspended,
        ];
        all.into_iter().find(|state| state.word() == word)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use jiff::ToSpan;

    pub(crate) fn now() -> Timestamp {
        "2026-06-01T12:00:00Z".parse().unwrap()
    }

    /// A sound key.
    pub(crate) fn key() -> Key {
        Key {
            id: "01J00000000000000000000001".into(),
            name: None,
            hash: "0".repeat(64),
            prefix: "ck".into(),
            environment: "test".into(),
            owner: "team:payments".into(),
            purpose: "nightly export".into(),
            team: Some("payments".into()),
            workload: None,
            scopes: vec!["orders:read".into()],
            networks: Vec::new(),
            spiffe_ids: Vec::new(),
            labels: BTreeMap::new(),
            created: now(),
            not_before: now(),
            expires: now().checked_add(240.hours()).ok(),
            review_by: None,
            state: State::Active,
            since: now(),
            reason: None,
            requested_by: None,
            approver: Some("alice".into()),
            replaces: None,
            replaced_by: None,
            waiting: None,
            decoy: false,
        }
    }

    #[test]
    fn the_image_is_read_back() {
        let key = Key { labels: [("a".into(), "b".into())].into(), ..key() };
        assert_eq!(serde_json::from_str::<Key>(&key.image()).unwrap(), key);
        // Entries of before there were decoys are hashed as they were.
        assert!(!key.image().contains("decoy"));
        let decoy = Key { decoy: true, ..key };
        assert_eq!(serde_json::from_str::<Key>(&decoy.image()).unwrap(), decoy);
    }
}
