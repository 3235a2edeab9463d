//! Chaining the audit of a registry from before there was a chain.

use super::row::key_from_row;
use super::transaction::Note;
use super::{Place, Transaction};
use crate::Registry;
use crate::change::Change;
use crate::error::StoreError;
use jiff::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

impl Registry {
    /// Takes the entries that the migration has put aside into the chain, and what each key is now.
    pub(super) async fn chain_old_audit(&self) -> Result<(), sqlx::Error> {
        if !matches!(self.place, Place::File(_)) {
            return Ok(());
        }
        let mut connection = self.pool.acquire().await?;
        if !is_unchained(&mut connection).await? {
            return Ok(());
        }
        drop(connection);
        self.chain().await.map_err(|error| match error {
            StoreError::Other(error) => error,
            other => sqlx::Error::Protocol(other.to_string()),
        })
    }

    async fn chain(&self) -> Result<(), StoreError> {
        let change = Change::new("cedarkey", "from the registry's first form", Timestamp::now());
        let mut transaction = self.begin(&change).await?;
        // Another process may have been first.
        if !is_unchained(transaction.connection()).await? {
            return Ok(());
        }
        let old = sqlx::query("SELECT * FROM audit_unchained ORDER BY number")
            .fetch_all(transaction.connection())
            .await?;
        for row in old {
            replay(&mut transaction, &row).await?;
        }
        transaction.replay(change);
        let keys = sqlx::query("SELECT * FROM keys ORDER BY id")
            .fetch_all(transaction.connection())
            .await?;
        for row in keys {
            let key = key_from_row(&row)?;
            transaction.keep(&[Note::of("migrate", None, &key)]).await?;
        }
        sqlx::query("DROP TABLE audit_unchained").execute(transaction.connection()).await?;
        transaction.commit().await
    }
}

async fn is_unchained(connection: &mut AnyConnection) -> Result<bool, sqlx::Error> {
    let sql = "SELECT count(*) FROM sqlite_schema WHERE name = 'audit_unchained'";
    let count: i64 = sqlx::query_scalar(sql).fetch_one(connection).await?;
    Ok(count > 0)
}

/// An old entry, as the old registry kept it: without what the key was and became.
async fn replay(transaction: &mut Transaction, row: &AnyRow) -> Result<(), StoreError> {
    let number: i64 = row.try_get("number")?;
    let malformed = |_| StoreError::Malformed { key: number.to_string(), column: "instant" };
    let now = Timestamp::from_second(row.try_get("at")?).map_err(malformed)?;
    let (actor, reason): (String, String) = (row.try_get("actor")?, row.try_get("reason")?);
    let (key, action): (String, String) = (row.try_get("key_id")?, row.try_get("action")?);
    transaction.replay(Change::new(actor, reason, now));
    let note = Note { action: &action, key: Some(&key), was: None, became: None };
    transaction.keep(&[note]).await
}
