//! Replacing a key by another, with a time in which both are valid.

use crate::Registry;
use crate::change::{Change, whole};
use crate::error::{ChangeError, IssueError, Refusal, RuleError};
use crate::issue::Issued;
use crate::key::{Key, State};
use crate::query::Selector;
use crate::status::Status;
use crate::store::Transaction;
use crate::token::{mint, new_id};
use crate::waiting::Waiting;
use cedarkey_engine::token::KeyHash;
use jiff::{SignedDuration, Timestamp};

/// How a key is to be replaced.
#[derive(Clone, Copy, Debug)]
pub struct Rotation {
    /// How long the old key stays valid.
    pub overlap: SignedDuration,
    /// When the new key ends; if absent, it lives as long as the old one was to.
    pub expires: Option<Timestamp>,
}

/// What came of it.
#[derive(Debug)]
pub struct Rotated {
    /// The key that ends by itself when the overlap is over; where its successor has to be approved,
    /// it is as it was.
    pub old: Key,
    /// The key that replaces it.
    pub new: Issued,
}

impl Registry {
    /// Issues a key like another, which ends when the overlap is over: its end is a time in the
    /// bundle, so nobody has to do anything then.
    ///
    /// # Errors
    ///
    /// Where the key is not valid now, has a successor, or ends before the overlap does; or the
    /// registry fails.
    pub async fn rotate(
        &self,
        selector: &Selector,
        rotation: Rotation,
        change: &Change,
    ) -> Result<Rotated, ChangeError> {
        change.check().map_err(IssueError::from)?;
        let mut transaction = self.begin(change).await?;
        transaction.check_clock()?;
        let before = transaction.get(selector).await?;
        let refused = |refusal| ChangeError::Refused { key: before.id.clone(), refusal };
        let mut old = ending(&before, rotation.overlap, change).map_err(refused)?;
        let expires = match rotation.expires {
            Some(expires) => Some(whole(expires)),
            None => before
                .expires
                .and_then(|at| change.now.checked_add(at.duration_since(before.not_before)).ok()),
        };
        if let Some(at) = expires.filter(|at| *at <= change.now) {
            return Err(IssueError::from(RuleError::PastExpiry(at)).into());
        }
        let token = mint(&before.prefix, &before.environment)?;
        let new = Key {
            id: new_id(change.exact)?,
            hash: KeyHash::of(&token).to_string(),
            created: change.now,
            not_before: change.now,
            expires,
            since: change.now,
            reason: None,
            requested_by: None,
            approver: Some(change.actor.clone()),
            replaces: Some(before.id.clone()),
            replaced_by: None,
            waiting: None,
            ..before.clone()
        };
        if change.approval {
            let waiting = Waiting::Replace { overlap: rotation.overlap.as_secs() };
            let new = Key {
                name: None,
                state: State::Pending,
                requested_by: new.approver.clone(),
                approver: None,
                waiting: Some(waiting),
                ..new
            };
            transaction.add(&new, "request").await?;
            transaction.commit().await?;
            return Ok(Rotated { old: before, new: Issued { key: new, token } });
        }
        old.replaced_by = Some(new.id.clone());
        transaction.update(&before, &old, "rotate").await?;
        transaction.add(&new, "issue").await?;
        transaction.commit().await?;
        Ok(Rotated { old, new: Issued { key: new, token } })
    }
}

// === impl Transaction ===

impl Transaction {
    /// Lets a key that is approved replace the one that it was requested for. The overlap begins
    /// now, and ends with that key at the latest. Gives the replaced one.
    pub(crate) async fn replace(
        &mut self,
        new: &mut Key,
        waiting: &Waiting,
        change: &Change,
    ) -> Result<Option<Key>, ChangeError> {
        let (Waiting::Replace { overlap }, Some(id)) = (waiting, &new.replaces) else {
            return Ok(None);
        };
        let before = self.get(&Selector::Text(id.clone())).await?;
        let rest = before.expires.map(|at| at.duration_since(change.now));
        let overlap = SignedDuration::from_secs(*overlap);
        let overlap = rest.map_or(overlap, |rest| rest.min(overlap));
        let refused = |refusal| ChangeError::Refused { key: before.id.clone(), refusal };
        let old = ending(&before, overlap, change).map_err(refused)?;
        let old = Key { replaced_by: Some(new.id.clone()), ..old };
        new.name = before.name.clone();
        self.update(&before, &old, "rotate").await?;
        Ok(Some(old))
    }
}

/// A key whose successor is there.
fn ending(key: &Key, overlap: SignedDuration, change: &Change) -> Result<Key, Refusal> {
    if let Some(successor) = &key.replaced_by {
        return Err(Refusal::Replaced(successor.clone()));
    }
    if key.decoy {
        return Err(Refusal::Decoy("is a decoy, which nobody uses: lay out another instead"));
    }
    let status = key.status(change.now);
    if status != Status::Active {
        return Err(Refusal::NotNow { status, done: "rotated" });
    }
    let rest = key.expires.map(|at| at.duration_since(change.now));
    if let Some(rest) = rest.filter(|rest| overlap > *rest) {
        return Err(Refusal::OverlapTooLong { overlap, rest });
    }
    let end = change.now.checked_add(overlap).unwrap_or(Timestamp::MAX);
    // No key ends before it begins, not even one that is replaced in the second of its issue.
    let first = key.not_before.checked_add(SignedDuration::from_secs(1)).unwrap_or(end);
    Ok(Key { name: None, expires: Some(whole(end).max(first)), waiting: None, ..key.clone() })
}
