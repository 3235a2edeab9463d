//! Changing some of what a key is, and leaving the rest.

use super::amend::Amendment;
use crate::change::whole;
use crate::key::Key;
use crate::new_key::NewKey;
use crate::waiting::Waiting;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// What is to be another of a key; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Adjustment {
    /// What it is for.
    pub purpose: Option<String>,
    /// The id of the workload that uses it; none, to name no more.
    pub workload: Option<Option<String>>,
    /// Its scopes.
    pub scopes: List,
    /// Where it may be used from; empty: anywhere.
    pub networks: List,
    /// Which SPIFFE ids it may be used by; empty: any.
    pub spiffe_ids: List,
    /// Labels that it has from now on.
    pub labels: BTreeMap<String, String>,
    /// The names of labels that it no longer has.
    pub dropped_labels: BTreeSet<String>,
    /// By when somebody has to look whether it is still needed; none, for no more.
    pub review_by: Option<Option<Timestamp>>,
}

/// What becomes of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    /// What it is instead of what it was.
    pub set: Option<Vec<String>>,
    /// What it has besides.
    pub added: Vec<String>,
    /// What it no longer has.
    pub dropped: Vec<String>,
}

// === impl Adjustment ===

impl Adjustment {
    /// What a key is to be.
    pub(super) fn amendment(&self, key: &Key) -> Amendment {
        let mut labels = key.labels.clone();
        labels.retain(|name, _| !self.dropped_labels.contains(name));
        labels.extend(self.labels.clone());
        let spec = NewKey {
            name: key.name.clone(),
            prefix: key.prefix.clone(),
            environment: key.environment.clone(),
            owner: key.owner.clone(),
            purpose: self.purpose.clone().unwrap_or_else(|| key.purpose.clone()),
            team: key.team.clone(),
            workload: self.workload.clone().unwrap_or_else(|| key.workload.clone()),
            scopes: self.scopes.of(&key.scopes),
            networks: self.networks.of(&key.networks),
            spiffe_ids: self.spiffe_ids.of(&key.spiffe_ids),
            labels,
            not_before: Some(key.not_before),
            expires: key.expires,
            review_by: self.review_by.unwrap_or(key.review_by).map(whole),
            decoy: key.decoy,
        };
        Amendment { spec, state: key.state }
    }

    /// What a key has become by this, with what waited before, unless this waits itself: what is changed
    /// is another there too, and the rest is still asked for.
    pub(super) fn keep_waiting(&self, before: &Key, after: Key) -> Key {
        match (&before.waiting, &after.waiting) {
            (Some(Waiting::Become { by, action, reason, key }), None) => {
                let (by, action, reason) = (by.clone(), action.clone(), reason.clone());
                let key = Box::new(self.of(key));
                Key { waiting: Some(Waiting::Become { by, action, reason, key }), ..after }
            }
            _ => after,
        }
    }

    /// The key as it is to be, whoever has to approve that.
    #[must_use]
    pub fn of(&self, key: &Key) -> Key {
        let NewKey { purpose, workload, scopes, networks, spiffe_ids, labels, review_by, .. } =
            self.amendment(key).spec;
        let key = key.clone();
        Key { purpose, workload, scopes, networks, spiffe_ids, labels, review_by, ..key }
    }
}

// === impl List ===

impl List {
    /// What a list becomes, each of it once.
    fn of(&self, before: &[String]) -> Vec<String> {
        let mut after: Vec<String> = Vec::new();
        let kept = self.set.as_deref().unwrap_or(before);
        for one in kept.iter().chain(&self.added) {
            if !self.dropped.contains(one) && !after.contains(one) {
                after.push(one.clone());
            }
        }
        after
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::Change;
    use crate::edit::Edit;
    use crate::key::State;
    use crate::key::tests::{key, now};
    use jiff::SignedDuration;

    fn list(texts: &[&str]) -> Vec<String> {
        texts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_list_is_set_and_then_added_to_and_taken_from() {
        let becomes = |set: Option<&[&str]>, added: &[&str], dropped: &[&str]| {
            let list = List { set: set.map(list), added: list(added), dropped: list(dropped) };
            list.of(&["a".into(), "b".into()])
        };
        assert_eq!(becomes(None, &[], &[]), ["a", "b"]);
        assert_eq!(becomes(None, &["c", "a"], &["b", "x"]), ["a", "c"]);
        assert_eq!(becomes(Some(&["d"]), &["e"], &[]), ["d", "e"]);
        assert_eq!(becomes(Some(&[]), &[], &[]), Vec::<String>::new());
    }

    /// What waits is held against what is, which has whole seconds.
    #[test]
    fn a_date_is_in_whole_seconds_wherever_it_is_kept() {
        let date = now() + SignedDuration::from_millis(1500);
        let adjustment = Adjustment { review_by: Some(Some(date)), ..Adjustment::default() };
        let second = now() + SignedDuration::from_secs(1);
        assert_eq!(adjustment.of(&key()).review_by, Some(second));
    }

    #[test]
    fn what_is_not_named_stays() {
        let change = Change::new("alice", "", now());
        let before = Key {
            labels: [("a".into(), "1".into()), ("b".into(), "2".into())].into(),
            review_by: Some(now()),
            ..key()
        };
        let edit = |adjustment| Edit::Adjust(Box::new(adjustment)).apply(&before, &change);
        assert_eq!(edit(Adjustment::default()).unwrap(), None);
        let adjustment = Adjustment {
            purpose: Some("another".into()),
            labels: [("a".into(), "3".into())].into(),
            dropped_labels: ["b".into()].into(),
            review_by: Some(None),
            ..Adjustment::default()
        };
        let expected = Key {
            purpose: "another".into(),
            labels: [("a".into(), "3".into())].into(),
            review_by: None,
            ..before.clone()
        };
        assert_eq!(adjustment.of(&before), expected);
        assert_eq!(edit(adjustment).unwrap(), Some(expected));
        let revoked = Key { state: State::Revoked, ..before.clone() };
        let purpose = Adjustment { purpose: Some("x".into()), ..Adjustment::default() };
        assert!(Edit::Adjust(Box::new(purpose)).apply(&revoked, &change).is_err());
    }

    #[test]
    fn what_widens_a_key_waits_and_what_narrows_it_does_not() {
        let change = Change::new("alice", "", now()).with_approval(true);
        let scopes = |added: &[&str], dropped: &[&str]| {
            let scopes = List { added: list(added), dropped: list(dropped), set: None };
            let edit = Edit::Adjust(Box::new(Adjustment { scopes, ..Adjustment::default() }));
            let after = edit.apply(&key(), &change).unwrap().unwrap();
            (edit.done(&after), after)
        };
        let (done, wider) = scopes(&["orders:write"], &[]);
        assert_eq!((wider.scopes.len(), wider.is_waiting()), (1, true));
        assert_eq!(done, "request-amend");
        let (done, narrower) = scopes(&[], &["orders:read"]);
        assert_eq!((narrower.scopes.len(), narrower.is_waiting()), (0, false));
        assert_eq!(done, "amend");
        // What was asked for is not lost by another change, nor does it undo that.
        let purpose = Adjustment { purpose: Some("another".into()), ..Adjustment::default() };
        let edit = Edit::Adjust(Box::new(purpose));
        let after = edit.apply(&wider, &change).unwrap().unwrap();
        assert_eq!((after.purpose.as_str(), after.scopes.len()), ("another", 1));
        assert_eq!((edit.done(&after).as_str(), edit.waits(&after)), ("amend", false));
        let by_bob = Change { actor: "bob".into(), ..change.clone() };
        let approved = Edit::Approve.apply(&after, &by_bob).unwrap().unwrap();
        assert_eq!((approved.purpose.as_str(), approved.scopes.len()), ("another", 2));
        assert!(!approved.is_waiting());
    }
}
