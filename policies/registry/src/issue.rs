//! Issuing keys.

use crate::Registry;
use crate::error::{IssueError, StoreError};
use crate::key::Key;
use cedarkey_engine::ext::ip;
use cedarkey_engine::token::{self, KeyHash, check_word};
use jiff::Timestamp;
use std::fmt;
use ulid::Ulid;
use zeroize::Zeroizing;

/// A key to be issued.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// The prefix of its token.
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
    /// From when on it is valid.
    pub not_before: Timestamp,
    /// From when on it is no longer valid; never, if absent.
    pub expires: Option<Timestamp>,
}

/// A key that was just issued, with its token: the only time that anybody sees it.
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
    /// Issues a key. `actor` is who does it, for the audit.
    ///
    /// # Errors
    ///
    /// Where the key breaks a rule, or the registry fails.
    pub async fn issue(
        &self,
        new: NewKey,
        actor: &str,
        now: Timestamp,
    ) -> Result<Issued, IssueError> {
        check(&new)?;
        let token = mint(&new)?;
        let key = self.insert(new, KeyHash::of(&token), actor, "issue", now).await?;
        Ok(Issued { key, token })
    }

    /// Takes over a key of another system, of which only the SHA-256 of the token is known.
    ///
    /// # Errors
    ///
    /// Where the key breaks a rule, its hash is known already, or the registry fails.
    pub async fn import(
        &self,
        new: NewKey,
        hash: KeyHash,
        actor: &str,
        now: Timestamp,
    ) -> Result<Key, IssueError> {
        check(&new)?;
        self.insert(new, hash, actor, "import", now).await
    }

    async fn insert(
        &self,
        new: NewKey,
        hash: KeyHash,
        actor: &str,
        action: &str,
        now: Timestamp,
    ) -> Result<Key, IssueError> {
        let key = Key {
            id: new_id(now)?,
            hash: hash.to_string(),
            prefix: new.prefix,
            environment: new.environment,
            owner: new.owner.trim().into(),
            purpose: new.purpose.trim().into(),
            team: new.team,
            workload: new.workload,
            scopes: new.scopes,
            networks: new.networks,
            created: whole(now),
            not_before: whole(new.not_before),
            expires: new.expires.map(whole),
            revoked_at: None,
            revoke_reason: None,
        };
        let list = |list: &[String]| serde_json::Value::from(list).to_string();
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let twin: Option<String> = sqlx::query_scalar("SELECT id FROM keys WHERE hash = ?")
            .bind(&key.hash)
            .fetch_optional(&mut *transaction)
            .await?;
        if let Some(twin) = twin {
            return Err(IssueError::DuplicateHash(twin));
        }
        sqlx::query(
            "INSERT INTO keys (id, hash, prefix, environment, owner, purpose, team, workload,
             scopes, networks, created, not_before, expires)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&key.id)
        .bind(&key.hash)
        .bind(&key.prefix)
        .bind(&key.environment)
        .bind(&key.owner)
        .bind(&key.purpose)
        .bind(&key.team)
        .bind(&key.workload)
        .bind(list(&key.scopes))
        .bind(list(&key.networks))
        .bind(key.created.as_second())
        .bind(key.not_before.as_second())
        .bind(key.expires.map(Timestamp::as_second))
        .execute(&mut *transaction)
        .await?;
        audit(&mut transaction, &key.id, actor, action, &key.purpose, now).await?;
        transaction.commit().await?;
        Ok(key)
    }
}

/// Keeps a change in the audit.
pub(crate) async fn audit(
    transaction: &mut sqlx::SqliteConnection,
    key: &str,
    actor: &str,
    action: &str,
    reason: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO audit (at, actor, action, key_id, reason) VALUES (?, ?, ?, ?, ?)")
        .bind(now.as_second())
        .bind(actor)
        .bind(action)
        .bind(key)
        .bind(reason)
        .execute(transaction)
        .await?;
    Ok(())
}

fn check(new: &NewKey) -> Result<(), IssueError> {
    if new.owner.trim().is_empty() {
        return Err(IssueError::Blank("an owner"));
    }
    if new.purpose.trim().is_empty() {
        return Err(IssueError::Blank("a purpose"));
    }
    let texts = [
        ("an owner", Some(&new.owner)),
        ("a purpose", Some(&new.purpose)),
        ("a team", new.team.as_ref()),
        ("a workload", new.workload.as_ref()),
    ];
    let is_unclean = |text: &String| text.contains(char::is_control);
    if let Some((name, _)) = texts.iter().find(|(_, text)| text.is_some_and(is_unclean)) {
        return Err(IssueError::Control(name));
    }
    for word in [&new.prefix, &new.environment] {
        check_word(word).map_err(|error| IssueError::Word(word.clone(), error))?;
    }
    let is_proper = |c: char| !c.is_whitespace() && !c.is_control();
    let is_scope = |scope: &str| (1..=128).contains(&scope.len()) && scope.chars().all(is_proper);
    if let Some(scope) = new.scopes.iter().find(|scope| !is_scope(scope)) {
        return Err(IssueError::Scope(scope.clone()));
    }
    if let Some(network) = new.networks.iter().find(|network| ip::parse(network).is_err()) {
        return Err(IssueError::Network(network.clone()));
    }
    if new.expires.is_some_and(|expires| whole(expires) <= whole(new.not_before)) {
        return Err(IssueError::Lifetime);
    }
    Ok(())
}

/// A token of fresh randomness.
fn mint(new: &NewKey) -> Result<Zeroizing<String>, IssueError> {
    let mut pool = Zeroizing::new([0_u8; 64]);
    let mut left = 0_usize;
    let mut failure = None;
    let random = || {
        if left == 0 {
            // Without randomness no token is made: what it would hold is thrown away below.
            failure = getrandom::fill(pool.as_mut_slice()).err().or(failure);
            left = pool.len();
        }
        left = left.saturating_sub(1);
        if failure.is_some() { 0 } else { pool.get(left).copied().unwrap_or_default() }
    };
    let token = token::mint(&new.prefix, &new.environment, random);
    if let Some(error) = failure {
        return Err(IssueError::Random(error));
    }
    token.map(Zeroizing::new).map_err(|error| IssueError::Word(new.prefix.clone(), error))
}

/// A key's id: it sorts by the time of issue.
fn new_id(now: Timestamp) -> Result<String, IssueError> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(IssueError::Random)?;
    let millis = u64::try_from(now.as_millisecond()).unwrap_or_default();
    Ok(Ulid::from_parts(millis, u128::from_le_bytes(random)).to_string())
}

/// The registry keeps whole seconds.
fn whole(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}
