//! When the clock was wrong.

use crate::Registry;
use crate::change::Change;
use crate::error::{ChangeError, StoreError};
use crate::store::Note;

/// The only action after which an entry may be earlier than the one before.
pub(crate) const ACCEPT_CLOCK: &str = "accept-clock";

impl Registry {
    /// Lets time go on from what the clock says now, though the last change was made later.
    ///
    /// # Errors
    ///
    /// Where there is no reason, or the registry fails.
    pub async fn accept_clock(&self, change: &Change) -> Result<(), ChangeError> {
        change.check()?;
        if change.reason().is_none() {
            return Err(ChangeError::Unexplained("a clock that goes back"));
        }
        let mut transaction = self.begin(change).await?;
        transaction.accept_clock();
        let note = Note { action: ACCEPT_CLOCK, key: None, was: None, became: None };
        transaction.keep(&[note]).await?;
        transaction.commit().await.map_err(|error: StoreError| error.into())
    }
}
