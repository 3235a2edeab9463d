//! What an edit makes of a key: the whole life of a key is here, without a database.

use super::Edit;
use crate::change::{Change, whole};
use crate::error::{ChangeError, Refusal};
use crate::key::{Key, State};
use crate::status::Status;
use crate::waiting::Waiting;
use jiff::Timestamp;

// === impl Edit ===

impl Edit {
    /// What it is called in the audit.
    pub(super) fn action(&self) -> &'static str {
        match self {
            Self::Adjust(_) | Self::Amend(_) => "amend",
            Self::Approve => "approve",
            Self::Deny => "deny",
            Self::Extend { .. } => "extend",
            Self::Resume => "resume",
            Self::Retire => "retire",
            Self::Revoke => "revoke",
            Self::Suspend => "suspend",
            Self::Transfer { .. } => "transfer",
        }
    }

    /// What the audit says of a key that has become so: that it was done, or was asked for.
    pub(crate) fn done(&self, after: &Key) -> String {
        let request = if self.waits(after) { "request-" } else { "" };
        format!("{request}{}", self.action())
    }

    /// Whether what waited for a second person is dropped by it, and not decided.
    pub(super) fn drops_what_waits(&self) -> bool {
        !matches!(self, Self::Approve | Self::Deny)
    }

    /// Whether it only takes something away, and must work even where the clock is wrong.
    pub(super) fn takes_away(&self) -> bool {
        matches!(self, Self::Deny | Self::Retire | Self::Revoke | Self::Suspend)
    }

    /// Whether there is a reason, where there must be one.
    pub(super) fn check(&self, change: &Change) -> Result<(), ChangeError> {
        let what = match self {
            Self::Deny => "a denial",
            Self::Extend { .. } => "an extension",
            Self::Retire => "a retirement",
            Self::Revoke => "a revocation",
            Self::Suspend => "a suspension",
            Self::Adjust(_)
            | Self::Amend(_)
            | Self::Approve
            | Self::Resume
            | Self::Transfer { .. } => return Ok(()),
        };
        change.reason().map(|_| ()).ok_or(ChangeError::Unexplained(what))
    }

    /// Whether it may let a key do more, and a second person may have to approve that.
    fn may_wait(&self) -> bool {
        matches!(
            self,
            Self::Adjust(_) | Self::Amend(_) | Self::Extend { .. } | Self::Transfer { .. }
        )
    }

    /// Whether it waits at a key that has become so.
    pub(super) fn waits(&self, after: &Key) -> bool {
        // Another change may wait there.
        let is_done = matches!(self, Self::Adjust(adjustment) if adjustment.of(after) == *after);
        self.may_wait() && after.waiting.is_some() && !is_done
    }

    /// What a key becomes; `None` where it is so already.
    pub(crate) fn apply(&self, key: &Key, change: &Change) -> Result<Option<Key>, Refusal> {
        match self.outcome(key, change)? {
            Some(after) if self.may_wait() => {
                let after = key.unless_it_waits(after, self.action(), change);
                Ok(after.map(|after| match self {
                    Self::Adjust(adjustment) => adjustment.keep_waiting(key, after),
                    _ => after,
                }))
            }
            // What a file says that a key is leaves nothing to wait for.
            None if matches!(self, Self::Amend(_)) && key.state != State::Pending => {
                Ok(key.waiting.as_ref().map(|_| Key { waiting: None, ..key.clone() }))
            }
            other => Ok(other),
        }
    }

    fn outcome(&self, key: &Key, change: &Change) -> Result<Option<Key>, Refusal> {
        let now = change.now;
        let not_now = |done| Err(Refusal::NotNow { status: key.status(now), done });
        let state = |state| {
            // A key that has ended waits for nothing.
            let waiting =
                key.waiting.clone().filter(|_| matches!(state, State::Active | State::Suspended));
            Ok(Some(Key { state, since: now, reason: change.reason(), waiting, ..key.clone() }))
        };
        match (self, key.state) {
            (Self::Adjust(adjustment), _) => adjustment.amendment(key).apply(key, change),
            (Self::Amend(amendment), _) => amendment.apply(key, change),
            (Self::Approve, State::Pending) => approve(key, change).map(Some),
            (Self::Approve, _) => match key.waiting.as_ref() {
                Some(Waiting::Become { by, key: asked, .. }) => {
                    approve_change(key, by, asked, change).map(Some)
                }
                _ => not_now("approved"),
            },
            (Self::Deny, State::Pending) => state(State::Denied),
            (Self::Deny, _) => match key.waiting {
                Some(_) => Ok(Some(Key { waiting: None, ..key.clone() })),
                None => not_now("denied"),
            },
            (Self::Extend { until }, _) => extend(key, until.map(whole), change).map(Some),
            (Self::Resume, State::Suspended) => state(State::Active),
            (Self::Resume, _) => not_now("resumed"),
            (Self::Retire, State::Retired | State::Revoked) => Ok(None),
            (Self::Retire, State::Denied | State::Pending) => not_now("retired"),
            (Self::Retire, State::Active | State::Suspended) => state(State::Retired),
            (Self::Revoke, State::Revoked) => Ok(None),
            (Self::Revoke, State::Denied) => not_now("revoked"),
            (Self::Revoke, _) => state(State::Revoked),
            (Self::Suspend, State::Active) => state(State::Suspended),
            (Self::Suspend, State::Suspended) => Ok(None),
            (Self::Suspend, _) => not_now("suspended"),
            (Self::Transfer { owner, team }, _) => transfer(key, owner, team.as_ref(), now),
        }
    }
}

fn approve(key: &Key, change: &Change) -> Result<Key, Refusal> {
    let by = key.requested_by.as_deref().unwrap_or_default();
    second_person(by, key.expires, change)?;
    Ok(Key {
        state: State::Active,
        since: change.now,
        reason: change.reason(),
        approver: Some(change.actor.clone()),
        waiting: None,
        ..key.clone()
    })
}

/// What was asked for; the key's state is what it has become meanwhile.
fn approve_change(key: &Key, by: &str, asked: &Key, change: &Change) -> Result<Key, Refusal> {
    second_person(by, asked.expires, change)?;
    Ok(Key {
        state: key.state,
        since: key.since,
        reason: key.reason.clone(),
        approver: Some(change.actor.clone()),
        waiting: None,
        ..Key::clone(asked)
    })
}

/// Whether somebody may approve what another has asked for, and in time.
fn second_person(by: &str, expires: Option<Timestamp>, change: &Change) -> Result<(), Refusal> {
    if by.trim().eq_ignore_ascii_case(change.actor.trim()) {
        return Err(Refusal::OwnRequest(by.into()));
    }
    match expires.filter(|expires| *expires <= change.now) {
        Some(expires) => Err(Refusal::PastExpiry(expires)),
        None => Ok(()),
    }
}

fn extend(key: &Key, until: Option<Timestamp>, change: &Change) -> Result<Key, Refusal> {
    let status = key.status(change.now);
    if let Some(successor) = &key.replaced_by {
        return Err(Refusal::Replaced(successor.clone()));
    }
    if !matches!(status, Status::Active | Status::Suspended | Status::Upcoming) {
        return Err(Refusal::NotNow { status, done: "extended" });
    }
    match (key.expires, until) {
        (_, Some(until)) if until <= change.now => Err(Refusal::PastExpiry(until)),
        (None, _) => Err(Refusal::NotLonger("no time".into())),
        (Some(expires), Some(until)) if until <= expires => {
            Err(Refusal::NotLonger(expires.to_string()))
        }
        (Some(_), expires) => Ok(Key { expires, ..key.clone() }),
    }
}

fn transfer(
    key: &Key,
    owner: &str,
    team: Option<&String>,
    now: Timestamp,
) -> Result<Option<Key>, Refusal> {
    if matches!(key.state, State::Denied | State::Retired | State::Revoked) {
        return Err(Refusal::NotNow { status: key.status(now), done: "transferred" });
    }
    let owner = owner.trim();
    if owner.is_empty() {
        return Err(crate::RuleError::Blank("an owner").into());
    }
    let team = team.cloned().or_else(|| key.team.clone());
    let after = Key { owner: owner.into(), team, ..key.clone() };
    Ok(Some(after).filter(|after| after != key))
}

#[cfg(test)]
mod tests;
