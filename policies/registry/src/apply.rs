//! Making the registry what a file says that it is.

use crate::Registry;
use crate::change::Change;
use crate::edit::{Amendment, Edit};
use crate::error::{ImportError, IssueError, RowError};
use crate::key::{Key, State};
use crate::new_key::NewKey;
use crate::store::Transaction;
use crate::token::{mint, new_id};
use cedarkey_engine::token::KeyHash;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// A key as it is to be.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Where it says so.
    pub place: String,
    /// What it is to be, or what is wrong with that. Its name is what it is known by.
    pub spec: Result<NewKey, String>,
    /// The hash of its token, where another system has made that.
    pub hash: Option<KeyHash>,
    /// What is to be decided about it.
    pub state: State,
}

/// How a file is applied.
#[derive(Clone, Copy, Debug, Default)]
pub struct Apply {
    /// Whether keys with a name that the file does not have are retired.
    pub prune: bool,
    /// Whether nothing is changed after all.
    pub dry_run: bool,
    /// The number of the last entry of the audit, if nothing may have changed since.
    pub head: Option<i64>,
}

/// What was changed, or would be.
#[derive(Debug, Default)]
pub struct Applied {
    /// New keys; those whose token was made here come with it.
    pub created: Vec<(Key, Option<Zeroizing<String>>)>,
    /// Keys as they were and as they are.
    pub changed: Vec<(Key, Key)>,
    /// How many keys are as they should be.
    pub unchanged: usize,
    /// Keys with a name that the file does not have, and that can still be used.
    pub unlisted: Vec<Key>,
    /// The number of the last entry of the audit before anything was changed.
    pub head: i64,
}

impl Registry {
    /// Makes keys what they are to be: all of them or, where one cannot become so, none.
    ///
    /// # Errors
    ///
    /// Everything that cannot become so; or the registry fails.
    pub async fn apply(
        &self,
        wanted: Vec<Wanted>,
        apply: Apply,
        change: &Change,
    ) -> Result<Applied, ImportError> {
        change.check()?;
        let mut transaction = self.begin(change).await?;
        transaction.check_clock()?;
        let head = transaction.number();
        if apply.head.is_some_and(|known| known != head) {
            return Err(ImportError::Overtaken);
        }
        let named = transaction.all().await?.into_iter();
        let mut named: BTreeMap<String, Key> =
            named.filter_map(|key| Some((key.name.clone()?, key))).collect();
        let mut applied = Applied { head, ..Applied::default() };
        let (rows, mut wrong) = (wanted.len(), Vec::new());
        for wanted in wanted {
            let place = wanted.place.clone();
            let key = name(&wanted).ok().and_then(|name| named.remove(&name));
            let done = match key {
                Some(key) => amend(&mut transaction, key, wanted, change, &mut applied).await?,
                None => create(&mut transaction, wanted, change, &mut applied).await?,
            };
            wrong.extend(done.err().map(|error| (place, error)));
        }
        if !wrong.is_empty() {
            return Err(ImportError::Rows { rows, wrong });
        }
        let live = |key: &Key| matches!(key.state, State::Active | State::Suspended);
        for key in named.into_values().filter(live) {
            match Edit::Retire.apply(&key, change) {
                Ok(Some(retired)) if apply.prune => {
                    transaction.update(&key, &retired, "retire").await?;
                    applied.changed.push((key, retired));
                }
                _ => applied.unlisted.push(key),
            }
        }
        if !apply.dry_run {
            transaction.commit().await?;
        }
        Ok(applied)
    }
}

fn name(wanted: &Wanted) -> Result<String, RowError> {
    let spec = wanted.spec.as_ref().map_err(|error| RowError::Form(error.clone()))?;
    spec.name.clone().ok_or_else(|| RowError::Form("it has no name".into()))
}

async fn amend(
    transaction: &mut Transaction,
    key: Key,
    wanted: Wanted,
    change: &Change,
    applied: &mut Applied,
) -> Result<Result<(), RowError>, ImportError> {
    let spec = match wanted.spec {
        Ok(spec) => spec,
        Err(error) => return Ok(Err(RowError::Form(error))),
    };
    if wanted.hash.is_some_and(|hash| hash.to_string() != key.hash) {
        let error = "its `sha256` is another one: `cedarkey keys rotate` gives a key another token";
        return Ok(Err(RowError::Form(error.into())));
    }
    let edit = Edit::Amend(Box::new(Amendment { spec, state: wanted.state }));
    match edit.apply(&key, change) {
        Err(refusal) => return Ok(Err(RowError::Refused(key.id, refusal))),
        Ok(None) => applied.unchanged = applied.unchanged.saturating_add(1),
        Ok(Some(after)) => {
            transaction.update(&key, &after, &edit.done(&after)).await?;
            applied.changed.push((key, after));
        }
    }
    Ok(Ok(()))
}

async fn create(
    transaction: &mut Transaction,
    wanted: Wanted,
    change: &Change,
    applied: &mut Applied,
) -> Result<Result<(), RowError>, ImportError> {
    if let Err(error) = name(&wanted) {
        return Ok(Err(error));
    }
    let spec = match wanted.spec {
        Ok(spec) => spec,
        Err(error) => return Ok(Err(RowError::Form(error))),
    };
    if wanted.state != State::Active {
        let error = format!("it is to be {}, and there is no such key", wanted.state.word());
        return Ok(Err(RowError::Form(error)));
    }
    if let Err(error) = spec.check(change.now) {
        return Ok(Err(error.into()));
    }
    let (hash, token) = match wanted.hash {
        Some(hash) => (hash, None),
        None => {
            let token = mint(&spec.prefix, &spec.environment).map_err(failure)?;
            (KeyHash::of(&token), Some(token))
        }
    };
    let mut key = spec.into_key(new_id(change.exact).map_err(failure)?, hash, change);
    if change.approval {
        key = Key { state: State::Pending, requested_by: key.approver.take(), ..key };
    }
    match transaction.add(&key, "issue").await {
        Ok(()) => {
            applied.created.push((key, token));
            Ok(Ok(()))
        }
        Err(IssueError::DuplicateHash(id)) => Ok(Err(RowError::Known(id, "hash"))),
        Err(IssueError::DuplicateName { id, .. }) => Ok(Err(RowError::Known(id, "name"))),
        Err(other) => Err(failure(other)),
    }
}

/// What is no fault of an entry.
pub(crate) fn failure(error: IssueError) -> ImportError {
    match error {
        IssueError::Clock(error) => error.into(),
        IssueError::Random(error) => ImportError::Random(error),
        IssueError::Store(error) => error.into(),
        other => {
            let other = sqlx::Error::Protocol(other.to_string());
            ImportError::Store(crate::StoreError::Other(other))
        }
    }
}
