//! Changes that wait for a second person.

use crate::change::Change;
use crate::key::{Key, State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What somebody has asked for, until another person approves or denies it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "lowercase", deny_unknown_fields)]
pub enum Waiting {
    /// The key is to be another.
    Become {
        /// Who has asked for it.
        by: String,
        /// What was done, as in `extend`.
        action: String,
        /// Why.
        reason: Option<String>,
        /// What it is to be. Its state does not count: that is not what waits.
        key: Box<Key>,
    },
    /// The key, which is requested itself, is to replace another.
    Replace {
        /// For how many seconds the other key stays valid then.
        overlap: i64,
    },
}

// === impl Key ===

impl Key {
    /// What becomes of it by a change that may be one for two people: the change itself, or that it
    /// waits; `None` where it waits already.
    pub(crate) fn unless_it_waits(
        &self,
        after: Key,
        action: &str,
        change: &Change,
    ) -> Option<Self> {
        let is_asked_for = change.approval && after.is_wider_than(self);
        if self.state == State::Pending {
            // It waits as it is; whoever widens it is the one who asks for it.
            let by = Some(change.actor.clone()).filter(|_| is_asked_for);
            return Some(Self { requested_by: by.or(after.requested_by), ..after });
        }
        let key = Self { waiting: None, ..after };
        if !is_asked_for {
            return Some(key);
        }
        let (state, since, reason) = (key.state, key.since, key.reason.clone());
        if let Some(Waiting::Become { key: asked, .. }) = self.waiting.as_ref()
            && state == self.state
            && (Self { state, since, reason: reason.clone(), ..Self::clone(asked) }) == key
        {
            return None;
        }
        let (by, why) = (change.actor.clone(), change.reason());
        let key = Box::new(key);
        let waiting = Waiting::Become { by, action: action.into(), reason: why, key };
        Some(Self { state, since, reason, waiting: Some(waiting), ..self.clone() })
    }

    /// Whether it may do more than before, for longer, or for somebody else.
    fn is_wider_than(&self, before: &Key) -> bool {
        let more = |own: &[String], before: &[String]| own.iter().any(|one| !before.contains(one));
        // A list of bounds that is empty bounds nothing.
        let looser = |own: &[String], before: &[String]| {
            !before.is_empty() && (own.is_empty() || more(own, before))
        };
        let ends = |key: &Key| key.expires.unwrap_or(Timestamp::MAX);
        let holder = |key: &Key| (key.owner.clone(), key.team.clone(), key.workload.clone());
        let lives = !matches!(self.state, State::Retired | State::Revoked);
        lives
            && (ends(self) > ends(before)
                || self.not_before < before.not_before
                || holder(self) != holder(before)
                || more(&self.scopes, &before.scopes)
                || looser(&self.networks, &before.networks)
                || looser(&self.spiffe_ids, &before.spiffe_ids))
    }

    /// Whether somebody has to approve or deny it, or a change of it.
    pub fn is_waiting(&self) -> bool {
        self.state == State::Pending || self.waiting.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::tests::{key, now};
    use jiff::ToSpan;

    fn bounded() -> Key {
        let list = |text: &str| vec![String::from(text)];
        Key { networks: list("10.0.0.0/8"), spiffe_ids: list("spiffe://a/b"), ..key() }
    }

    #[test]
    fn what_lets_a_key_do_more_is_told_from_what_does_not() {
        let wider: [fn(&mut Key); 10] = [
            |k| k.expires = None,
            |k| k.expires = k.expires.map(|at| at + 1.second()),
            |k| k.not_before = now() - 1.second(),
            |k| k.owner = "bob".into(),
            |k| k.team = None,
            |k| k.workload = Some("export".into()),
            |k| k.scopes.push("orders:write".into()),
            |k| k.networks.clear(),
            |k| k.networks.push("::/0".into()),
            |k| k.spiffe_ids.clear(),
        ];
        let other: [fn(&mut Key); 6] = [
            |k| k.expires = k.expires.map(|at| at - 1.second()),
            |k| k.scopes.clear(),
            |k| k.purpose = "another".into(),
            |k| k.review_by = Some(now()),
            |k| (k.state, k.expires) = (State::Revoked, None),
            |k| k.state = State::Suspended,
        ];
        let is_wider = |change: &fn(&mut Key)| {
            let mut after = bounded();
            change(&mut after);
            after.is_wider_than(&bounded())
        };
        assert!(wider.iter().all(is_wider));
        assert!(!other.iter().any(is_wider));
        let bound = Key { networks: vec!["10.0.0.0/8".into()], ..key() };
        assert!(!bound.is_wider_than(&key()), "the first bound narrows");
    }
}
