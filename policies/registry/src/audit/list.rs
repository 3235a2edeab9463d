//! Reading the audit.

use super::{Entry, Head};
use crate::Registry;
use crate::error::StoreError;
use jiff::Timestamp;
use sqlx::{AnyConnection, Row};

impl Registry {
    /// The newest entries, of one key if one is given, in the order in which they were made.
    ///
    /// # Errors
    ///
    /// Where the registry fails or holds what it should not.
    pub async fn audit(&self, key: Option<&str>, most: u32) -> Result<Vec<Entry>, StoreError> {
        let sql = "SELECT * FROM audit WHERE $1 = '' OR key_id = $1 ORDER BY number DESC LIMIT $2";
        let rows = sqlx::query(sql).bind(String::from(key.unwrap_or_default()));
        let rows = rows.bind(i64::from(most)).fetch_all(&self.pool).await?;
        rows.iter().rev().map(Entry::from_row).collect()
    }

    /// The last entry, as it was noted when it was made.
    ///
    /// # Errors
    ///
    /// Where the registry fails or holds what it should not.
    pub async fn head(&self) -> Result<Head, StoreError> {
        read_head(&mut *self.pool.acquire().await?).await
    }
}

pub(super) async fn read_head(connection: &mut AnyConnection) -> Result<Head, StoreError> {
    let row = sqlx::query("SELECT * FROM audit_head WHERE one = 1").fetch_optional(connection);
    let row = row.await?.ok_or(StoreError::Corrupt)?;
    let malformed =
        |_| StoreError::Malformed { key: "audit".into(), column: "instant of its head" };
    let at = Timestamp::from_second(row.try_get("at")?).map_err(malformed)?;
    Ok(Head { number: row.try_get("number")?, at, hash: row.try_get("hash")? })
}
