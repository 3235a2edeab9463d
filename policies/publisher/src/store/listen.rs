//! Hearing of what other publishers over the same PostgreSQL were given.

use std::time::Duration;

use sqlx::postgres::{PgListener, PgPoolOptions};
use url::Url;

use super::StoreError;

/// What the trigger on `bundles` notifies.
const CHANNEL: &str = "cedarkey_pushed";

/// How long a connection may take to be made.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection on which PostgreSQL tells of every push.
pub(crate) struct Listener(PgListener);

// === impl Listener ===

impl Listener {
    pub(crate) async fn connect(url: &Url) -> Result<Self, StoreError> {
        let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(PATIENCE);
        let pool = pool.max_lifetime(None).idle_timeout(None).connect(url.as_str()).await?;
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.listen(CHANNEL).await?;
        Ok(Self(listener))
    }

    /// The name of the next bundle that is pushed; none after the connection was lost and made
    /// anew, so that anything may have been missed.
    pub(crate) async fn next(&mut self) -> Result<Option<String>, StoreError> {
        let heard = self.0.try_recv().await?;
        Ok(heard.map(|notification| notification.payload().to_owned()))
    }
}
