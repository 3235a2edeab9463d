//! Issuing and requesting keys.

use crate::Registry;
use crate::change::Change;
use crate::error::IssueError;
use crate::key::{Key, State};
use crate::new_key::NewKey;
use crate::store::{Column, Transaction};
use crate::token::{mint, new_id};
use cedarkey_engine::token::KeyHash;
use std::fmt;
use zeroize::Zeroizing;

/// A key that was just made, with its token: the only time that anybody sees it.
pub struct Issued {
    /// The key.
    pub key: Key,
    /// The token.
    pub token: Zeroizing<String>,
}

/// Without the token.
impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Registry {
    /// Issues a key.
    ///
    /// # Errors
    ///
    /// Where the key breaks a rule, or the registry fails.
    pub async fn issue(&self, new: NewKey, change: &Change) -> Result<Issued, IssueError> {
        self.make(new, change, "issue").await
    }

    /// Makes a key that is not valid until somebody else approves it. Whoever requests it gets the
    /// token now, so that whoever approves it never sees it.
    ///
    /// # Errors
    ///
    /// Where the key breaks a rule, or the registry fails.
    pub async fn request(&self, new: NewKey, change: &Change) -> Result<Issued, IssueError> {
        self.make(new, change, "request").await
    }

    async fn make(&self, new: NewKey, change: &Change, action: &str) -> Result<Issued, IssueError> {
        change.check()?;
        new.check(change.now)?;
        let token = mint(&new.prefix, &new.environment)?;
        let mut key = new.into_key(new_id(change.exact)?, KeyHash::of(&token), change);
        if action == "request" {
            key.state = State::Pending;
            key.requested_by = Some(change.actor.clone());
            key.approver = None;
        }
        let mut transaction = self.begin(change).await?;
        transaction.check_clock()?;
        transaction.add(&key, action).await?;
        transaction.commit().await?;
        Ok(Issued { key, token })
    }
}

// === impl Transaction ===

impl Transaction {
    /// Adds a key whose hash and name no other has.
    pub(crate) async fn add(&mut self, key: &Key, action: &str) -> Result<(), IssueError> {
        let hash = std::slice::from_ref(&key.hash);
        if let Some(twin) = self.known(Column::Hash, hash).await?.remove(&key.hash) {
            return Err(IssueError::DuplicateHash(twin));
        }
        if let Some(name) = &key.name {
            let names = std::slice::from_ref(name);
            if let Some(id) = self.known(Column::Name, names).await?.remove(name) {
                return Err(IssueError::DuplicateName { name: name.clone(), id });
            }
        }
        Ok(self.insert(std::slice::from_ref(key), action).await?)
    }
}
