//! Looking keys up.

use crate::Registry;
use crate::error::{FindError, StoreError};
use crate::key::{Key, Status};
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;

/// Which keys to list; what is not given does not matter.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this owner.
    pub owner: Option<String>,
    /// In this status.
    pub status: Option<Status>,
    /// That expire before this instant.
    pub expires_before: Option<Timestamp>,
}

impl Registry {
    /// All keys, in the order in which they were issued.
    ///
    /// # Errors
    ///
    /// Where the registry fails or holds what it should not.
    pub async fn all(&self) -> Result<Vec<Key>, StoreError> {
        keys(&sqlx::query("SELECT * FROM keys ORDER BY id").fetch_all(&self.pool).await?)
    }

    /// Some keys, in the order in which they were issued.
    ///
    /// # Errors
    ///
    /// Where the registry fails or holds what it should not.
    pub async fn list(&self, filter: &Filter, now: Timestamp) -> Result<Vec<Key>, StoreError> {
        let mut keys = self.all().await?;
        keys.retain(|key| {
            filter.owner.as_ref().is_none_or(|owner| *owner == key.owner)
                && filter.status.is_none_or(|status| status == key.status(now))
                && filter
                    .expires_before
                    .is_none_or(|before| key.expires.is_some_and(|expires| expires < before))
        });
        Ok(keys)
    }

    /// The key of this id, or whose id begins so, if that is only one.
    ///
    /// # Errors
    ///
    /// Where there is none or more than one, or the registry fails.
    pub async fn get(&self, id: &str) -> Result<Key, FindError> {
        let rows = sqlx::query("SELECT * FROM keys WHERE substr(id, 1, length(?1)) = ?1 LIMIT 2")
            .bind(id.to_ascii_uppercase())
            .fetch_all(&self.pool)
            .await?;
        match rows.as_slice() {
            [row] if !id.is_empty() => Ok(Key::from_row(row)?),
            [_, _] => Err(FindError::Ambiguous(id.into())),
            _ => Err(FindError::Missing(id.into())),
        }
    }
}

fn keys(rows: &[SqliteRow]) -> Result<Vec<Key>, StoreError> {
    rows.iter().map(Key::from_row).collect()
}
