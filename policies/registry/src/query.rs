//! Looking keys up.

use crate::Registry;
use crate::error::{FindError, StoreError};
use crate::key::Key;
use crate::status::Status;
use crate::store::{BATCH, Transaction, key_from_row, places};
use cedarkey_engine::token::KeyHash;
use futures_util::TryStreamExt;
use jiff::Timestamp;
use sqlx::AssertSqlSafe;

/// Which keys; what is not given does not matter.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this owner.
    pub owner: Option<String>,
    /// Of this team.
    pub team: Option<String>,
    /// Of this workload.
    pub workload: Option<String>,
    /// In one of these statuses; empty: in any.
    pub statuses: Vec<Status>,
    /// That wait for a second person, whether they are requested or are to be changed.
    pub waiting: bool,
    /// That have this scope.
    pub scope: Option<String>,
    /// That have all of these labels: the name, and the value if it matters.
    pub labels: Vec<(String, Option<String>)>,
    /// That expire before this instant.
    pub expires_before: Option<Timestamp>,
    /// That are to be reviewed before this instant.
    pub review_before: Option<Timestamp>,
}

/// One key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// By the hash of its token.
    Hash(KeyHash),
    /// By its name, or by its id or a beginning of it that no other has.
    Text(String),
}

/// Some keys.
#[derive(Clone, Debug)]
pub enum Which {
    /// All that are like this.
    All(Filter),
    /// These.
    Each(Vec<Selector>),
}

/// For how long a key that is over is among those that are current, in seconds, at least.
const LEAST_MEMORY: i64 = 3600;

const CURRENT: &str = "SELECT * FROM keys WHERE decoy <> 0 OR expires IS NULL OR $1 - expires < \
    CASE WHEN expires - not_before > $2 THEN expires - not_before ELSE $2 END ORDER BY id";

const LIVE: &str = "SELECT COUNT(*) FROM keys WHERE workload = $1 AND state = 'active' \
    AND (expires IS NULL OR expires > $2)";

impl Registry {
    /// All keys, in the order in which they were issued.
    ///
    /// # Errors
    ///
    /// Where the registry fails or holds what it should not.
    pub async fn all(&self) -> Result<Vec<Key>, StoreError> {
        self.list(&Filter::default(), Timestamp::UNIX_EPOCH).await
    }

    /// The keys that somebody may still know: all but those that have been over for as long as they
    /// lived, and for an hour at least. Of keys that live for minutes there are many. A decoy is
    /// never over.
    ///
    /// # Errors
    ///
    /// Where the registry fails or holds what it should not.
    pub async fn current(&self, now: Timestamp) -> Result<Vec<Key>, StoreError> {
        let rows = sqlx::query(CURRENT).bind(now.as_second()).bind(LEAST_MEMORY).fetch(&self.pool);
        rows.map_err(StoreError::from).and_then(async |row| key_from_row(&row)).try_collect().await
    }

    /// The keys of these hashes that there are, in hexadecimal digits.
    ///
    /// # Errors
    ///
    /// Where the registry fails or holds what it should not.
    pub async fn of_hashes(&self, hashes: &[String]) -> Result<Vec<Key>, StoreError> {
        self.among("hash", hashes).await
    }

    /// The keys of these ids that there are.
    ///
    /// # Errors
    ///
    /// Where the registry fails or holds what it should not.
    pub async fn of_ids(&self, ids: &[String]) -> Result<Vec<Key>, StoreError> {
        self.among("id", ids).await
    }

    /// The keys of these names that there are.
    ///
    /// # Errors
    ///
    /// Where the registry fails or holds what it should not.
    pub async fn of_names(&self, names: &[String]) -> Result<Vec<Key>, StoreError> {
        self.among("name", names).await
    }

    async fn among(&self, column: &str, values: &[String]) -> Result<Vec<Key>, StoreError> {
        let mut keys = Vec::with_capacity(values.len());
        for values in values.chunks(BATCH) {
            let sql = format!("SELECT * FROM keys WHERE {column} IN {}", places(values.len(), 1));
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for value in values {
                query = query.bind(value.clone());
            }
            for row in query.fetch_all(&self.pool).await? {
                keys.push(key_from_row(&row)?);
            }
        }
        Ok(keys)
    }

    /// How many keys of a workload are valid, or will be.
    ///
    /// # Errors
    ///
    /// Where the registry fails.
    pub async fn live(&self, workload: &str, now: Timestamp) -> Result<usize, StoreError> {
        let count = sqlx::query_scalar::<_, i64>(LIVE).bind(workload).bind(now.as_second());
        Ok(usize::try_from(count.fetch_one(&self.pool).await?).unwrap_or(usize::MAX))
    }

    /// Some keys, in the order in which they were issued.
    ///
    /// # Errors
    ///
    /// Where the registry fails or holds what it should not.
    pub async fn list(&self, filter: &Filter, now: Timestamp) -> Result<Vec<Key>, StoreError> {
        let mut keys = Vec::new();
        let mut rows = sqlx::query("SELECT * FROM keys ORDER BY id").fetch(&self.pool);
        while let Some(row) = rows.try_next().await? {
            let key = key_from_row(&row)?;
            if filter.matches(&key, now) {
                keys.push(key);
            }
        }
        Ok(keys)
    }

    /// One key.
    ///
    /// # Errors
    ///
    /// Where there is none or more than one, or the registry fails.
    pub async fn get(&self, selector: &Selector) -> Result<Key, FindError> {
        let mut found = Vec::new();
        for (condition, value) in selector.conditions() {
            let sql = format!("SELECT * FROM keys WHERE {condition} ORDER BY id LIMIT 2");
            let rows = sqlx::query(AssertSqlSafe(sql)).bind(value).fetch_all(&self.pool);
            let keys: Result<Vec<_>, _> = rows.await?.iter().map(key_from_row).collect();
            found = keys?;
            if !found.is_empty() {
                break;
            }
        }
        selector.only(found)
    }
}

// === impl Transaction ===

impl Transaction {
    /// One key.
    pub(crate) async fn get(&mut self, selector: &Selector) -> Result<Key, FindError> {
        let mut found = Vec::new();
        for (condition, value) in selector.conditions() {
            found = self.find(condition, &value).await?;
            if !found.is_empty() {
                break;
            }
        }
        selector.only(found)
    }

    /// Some keys.
    pub(crate) async fn which(
        &mut self,
        which: &Which,
        now: Timestamp,
    ) -> Result<Vec<Key>, FindError> {
        match which {
            Which::All(filter) => {
                let mut keys = self.all().await?;
                keys.retain(|key| filter.matches(key, now));
                Ok(keys)
            }
            Which::Each(selectors) => {
                let mut keys: Vec<Key> = Vec::new();
                for selector in selectors {
                    let key = self.get(selector).await?;
                    // Who is named twice is changed once.
                    if keys.iter().all(|other| other.id != key.id) {
                        keys.push(key);
                    }
                }
                Ok(keys)
            }
        }
    }
}

// === impl Selector ===

impl Selector {
    /// What is looked for, one after the other.
    fn conditions(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Hash(hash) => vec![("hash = $1", hash.to_string())],
            Self::Text(text) if text.is_empty() => Vec::new(),
            Self::Text(text) => vec![
                ("name = $1", text.clone()),
                ("substr(id, 1, length($1)) = $1", text.to_ascii_uppercase()),
            ],
        }
    }

    fn only(&self, mut found: Vec<Key>) -> Result<Key, FindError> {
        match (found.pop(), found.is_empty()) {
            (Some(key), true) => Ok(key),
            (Some(_), false) => Err(FindError::Ambiguous(self.text())),
            (None, _) => Err(FindError::Missing(self.text())),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Hash(hash) => hash.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// A hash, if it is one; else a name or the beginning of an id.
impl From<&str> for Selector {
    fn from(text: &str) -> Self {
        KeyHash::from_hex(text).map_or_else(|| Self::Text(text.into()), Self::Hash)
    }
}

impl From<KeyHash> for Selector {
    fn from(hash: KeyHash) -> Self {
        Self::Hash(hash)
    }
}

// === impl Which ===

impl From<Selector> for Which {
    fn from(selector: Selector) -> Self {
        Self::Each(vec![selector])
    }
}

// === impl Filter ===

impl Filter {
    /// Whether a key is like this.
    pub fn matches(&self, key: &Key, now: Timestamp) -> bool {
        let is = |wanted: &Option<String>, value: Option<&String>| {
            wanted.as_ref().is_none_or(|wanted| Some(wanted) == value)
        };
        let before = |limit: Option<Timestamp>, at: Option<Timestamp>| {
            limit.is_none_or(|limit| at.is_some_and(|at| at < limit))
        };
        let has_label = |(name, value): &(String, Option<String>)| {
            key.labels.get(name).is_some_and(|own| value.as_ref().is_none_or(|value| value == own))
        };
        is(&self.owner, Some(&key.owner))
            && is(&self.team, key.team.as_ref())
            && is(&self.workload, key.workload.as_ref())
            && (self.statuses.is_empty() || self.statuses.contains(&key.status(now)))
            && (!self.waiting || key.is_waiting())
            && self.scope.as_ref().is_none_or(|scope| key.scopes.contains(scope))
            && self.labels.iter().all(has_label)
            && before(self.expires_before, key.expires)
            && before(self.review_before, key.review_by)
    }
}
