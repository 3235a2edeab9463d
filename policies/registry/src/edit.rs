//! Changing keys that there are.

mod adjust;
mod amend;
mod apply;

pub use adjust::{Adjustment, List};
pub use amend::Amendment;

use crate::Registry;
use crate::change::Change;
use crate::error::ChangeError;
use crate::key::Key;
use crate::query::{Selector, Which};
use crate::store::{Progress, Transaction};
use crate::waiting::Waiting;
use jiff::Timestamp;

/// What is to be done with keys.
#[derive(Clone, Debug)]
pub enum Edit {
    /// Change some of what they are.
    Adjust(Box<Adjustment>),
    /// Make them as they are to be.
    Amend(Box<Amendment>),
    /// Make requested keys valid.
    Approve,
    /// Refuse requested keys.
    Deny,
    /// Let them live until later.
    Extend {
        /// Until when.
        until: Option<Timestamp>,
    },
    /// Let suspended keys be valid again.
    Resume,
    /// Let them end, as what used them has.
    Retire,
    /// Let them end for good.
    Revoke,
    /// Let them not be valid until they are resumed.
    Suspend,
    /// Give them to another owner.
    Transfer {
        /// Who answers for them from now on.
        owner: String,
        /// The id of the team, if it changes.
        team: Option<String>,
    },
}

/// A change among several.
#[derive(Clone, Debug)]
pub struct Task {
    /// Of which keys.
    pub which: Which,
    /// What is to be done with them.
    pub edit: Edit,
    /// Why.
    pub reason: String,
}

/// What became of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// What it is now.
    pub key: Key,
    /// Whether it was another before.
    pub changed: bool,
    /// Whether what was asked for waits for somebody else.
    pub waits: bool,
    /// What waited until now, and does no longer: what was to be done, and who had asked for it.
    pub instead_of: Option<(String, String)>,
    /// The key that it replaces from now on, as that was approved.
    pub replaced: Option<Key>,
}

impl Registry {
    /// Changes keys: all of them or, where one cannot be changed, none. Those that already are as
    /// they should be stay as they are, with no entry in the audit.
    ///
    /// # Errors
    ///
    /// Where a key is not found or cannot be changed so, a reason is missing, or the registry
    /// fails.
    pub async fn edit(
        &self,
        which: &Which,
        edit: &Edit,
        change: &Change,
        progress: Progress<'_>,
    ) -> Result<Vec<Edited>, ChangeError> {
        let (which, edit, reason) = (which.clone(), edit.clone(), change.reason.clone());
        self.edit_each(&[Task { which, edit, reason }], change, progress).await
    }

    /// Changes several keys, each in its own way and for its own reason: all of them or, where one
    /// cannot be changed, none.
    ///
    /// # Errors
    ///
    /// As [`Registry::edit`].
    pub async fn edit_each(
        &self,
        tasks: &[Task],
        change: &Change,
        progress: Progress<'_>,
    ) -> Result<Vec<Edited>, ChangeError> {
        for task in tasks {
            let change = task.change(change);
            change.check()?;
            task.edit.check(&change)?;
        }
        let mut transaction = self.begin(change).await?;
        if !tasks.iter().all(|task| task.edit.takes_away()) {
            transaction.check_clock()?;
        }
        let mut edited = Vec::new();
        for task in tasks {
            let change = task.change(change);
            transaction.because(&task.reason);
            for before in transaction.which(&task.which, change.now).await? {
                edited.push(transaction.edit(before, &task.edit, &change).await?);
                progress(edited.len());
            }
        }
        transaction.commit().await?;
        Ok(edited)
    }

    /// Revokes one key for good. A key that was revoked stays as it is: the first time and reason
    /// count.
    ///
    /// # Errors
    ///
    /// As [`Registry::edit`].
    pub async fn revoke(
        &self,
        selector: impl Into<Selector>,
        change: &Change,
    ) -> Result<Edited, ChangeError> {
        self.edit_one(selector.into(), &Edit::Revoke, change).await
    }

    /// Suspends one key until it is resumed.
    ///
    /// # Errors
    ///
    /// As [`Registry::edit`].
    pub async fn suspend(
        &self,
        selector: impl Into<Selector>,
        change: &Change,
    ) -> Result<Edited, ChangeError> {
        self.edit_one(selector.into(), &Edit::Suspend, change).await
    }

    /// Changes one key.
    ///
    /// # Errors
    ///
    /// As [`Registry::edit`].
    pub async fn edit_one(
        &self,
        selector: Selector,
        edit: &Edit,
        change: &Change,
    ) -> Result<Edited, ChangeError> {
        let mut edited = self.edit(&selector.clone().into(), edit, change, &mut |_| {}).await?;
        edited.pop().ok_or_else(|| {
            let text = format!("{selector:?}");
            crate::FindError::Missing(text).into()
        })
    }
}

// === impl Transaction ===

impl Transaction {
    /// Changes a key, if that changes anything.
    async fn edit(
        &mut self,
        before: Key,
        edit: &Edit,
        change: &Change,
    ) -> Result<Edited, ChangeError> {
        let after = edit.apply(&before, change);
        let refused = |refusal| ChangeError::Refused { key: before.id.clone(), refusal };
        let waited = before.waiting.clone();
        let mut replaced = None;
        let (key, changed) = match after.map_err(refused)? {
            Some(mut after) => {
                if let (Edit::Approve, Some(waiting)) = (edit, before.waiting.as_ref()) {
                    replaced = self.replace(&mut after, waiting, change).await?;
                }
                self.update(&before, &after, &edit.done(&after)).await?;
                (after, true)
            }
            None => (before, false),
        };
        let waits = edit.waits(&key);
        let instead_of = match waited {
            Some(Waiting::Become { action, by, .. })
                if changed && edit.drops_what_waits() && (waits || key.waiting.is_none()) =>
            {
                Some((action, by))
            }
            _ => None,
        };
        Ok(Edited { key, changed, waits, instead_of, replaced })
    }
}

// === impl Task ===

impl Task {
    /// The change that it is a part of, for its own reason.
    fn change(&self, change: &Change) -> Change {
        Change { reason: self.reason.clone(), ..change.clone() }
    }
}
