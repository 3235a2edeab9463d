//! Revoking keys.

use crate::Registry;
use crate::error::{FindError, RevokeError};
use crate::issue::audit;
use crate::key::Key;
use jiff::Timestamp;

impl Registry {
    /// Revokes a key for good. A key that was revoked stays as it is: the first time and reason
    /// count, and [`Key::revoked_at`] tells.
    ///
    /// # Errors
    ///
    /// Where there is no reason or no such key, or the registry fails.
    pub async fn revoke(
        &self,
        id: &str,
        reason: &str,
        actor: &str,
        now: Timestamp,
    ) -> Result<Key, RevokeError> {
        let reason = reason.trim();
        if reason.is_empty() {
            return Err(RevokeError::Blank);
        }
        if reason.contains(char::is_control) {
            return Err(RevokeError::Control);
        }
        let key = self.get(id).await?;
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let changed = sqlx::query(
            "UPDATE keys SET revoked_at = ?, revoke_reason = ? WHERE id = ? AND revoked_at IS NULL",
        )
        .bind(now.as_second())
        .bind(reason)
        .bind(&key.id)
        .execute(&mut *transaction)
        .await?;
        if changed.rows_affected() > 0 {
            let kept = audit(&mut transaction, &key.id, actor, "revoke", reason, now).await;
            kept.map_err(FindError::from)?;
        }
        transaction.commit().await?;
        Ok(self.get(&key.id).await?)
    }
}
