//! Making a key what a file says that it is.

use crate::change::{Change, whole};
use crate::error::Refusal;
use crate::key::{Key, State};
use crate::new_key::NewKey;

/// What a key is to be. Prefix and environment stay what they are: they are part of its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amendment {
    /// All that can be changed.
    pub spec: NewKey,
    /// Whether it is to be active, suspended or revoked.
    pub state: State,
}

// === impl Amendment ===

impl Amendment {
    /// What a key becomes; `None` where it is so already.
    pub(super) fn apply(&self, key: &Key, change: &Change) -> Result<Option<Key>, Refusal> {
        let spec = &self.spec;
        if spec.decoy != key.decoy {
            return Err(Refusal::Decoy("cannot become a decoy, nor a decoy another key"));
        }
        let not_before = spec.not_before.map_or(key.not_before, whole);
        let mut after = Key {
            name: spec.name.clone(),
            owner: spec.owner.trim().into(),
            purpose: spec.purpose.trim().into(),
            team: spec.team.clone(),
            workload: spec.workload.clone(),
            scopes: spec.scopes.clone(),
            networks: spec.networks.clone(),
            spiffe_ids: spec.spiffe_ids.clone(),
            labels: spec.labels.clone(),
            not_before,
            expires: spec.expires.map(whole),
            review_by: spec.review_by.map(whole),
            ..key.clone()
        };
        if after.expires != key.expires || after.not_before != key.not_before {
            let check = NewKey { not_before: Some(not_before), ..spec.clone() };
            check.check(change.now)?;
        } else {
            let check = NewKey { not_before: None, expires: None, ..spec.clone() };
            check.check(change.now)?;
        }
        // What a file wants active is so once somebody has approved it.
        let is_requested = (key.state, self.state) == (State::Pending, State::Active);
        if after.state != self.state && !is_requested {
            let is_allowed = matches!(
                (key.state, self.state),
                (State::Active, State::Suspended | State::Retired | State::Revoked)
                    | (State::Suspended, State::Active | State::Retired | State::Revoked)
                    | (State::Retired, State::Revoked)
            );
            if !is_allowed {
                let status = key.status(change.now);
                return Err(Refusal::NotNow { status, done: done(self.state) });
            }
            after.state = self.state;
            after.since = change.now;
            after.reason = change.reason();
        }
        if after == *key {
            return Ok(None);
        }
        if key.state == self.state && matches!(key.state, State::Denied | State::Revoked) {
            let status = key.status(change.now);
            return Err(Refusal::NotNow { status, done: "changed" });
        }
        Ok(Some(after))
    }
}

fn done(state: State) -> &'static str {
    match state {
        State::Active => "made active",
        State::Denied => "denied",
        State::Pending => "requested",
        State::Retired => "retired",
        State::Revoked => "revoked",
        State::Suspended => "suspended",
    }
}
