//! Running the service and stopping it.

use std::{future::Future, io, sync::Arc, time::Duration};

use axum::{extract::State, http::StatusCode};
use tokio::net::TcpListener;

use crate::{Publisher, Shared, problem::Problem};

/// How long requests that were under way when the publisher was told to stop may still take.
const GRACE: Duration = Duration::from_secs(5);

// === impl Publisher ===

impl Publisher {
    /// Answers requests until `shutdown` is over, and then those that are under way. Held
    /// requests are answered at once.
    ///
    /// # Errors
    ///
    /// The listener fails.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let closing = self.shared.closing.clone();
        let mut closed = closing.subscribe();
        let server = axum::serve(listener, self.router()).with_graceful_shutdown(async move {
            shutdown.await;
            closing.send_replace(true);
        });
        let overdue = async {
            // The sender lives in `self.shared`, so this does not end early.
            drop(closed.wait_for(|closing| *closing).await);
            tokio::time::sleep(GRACE).await;
        };
        let result = tokio::select! {
            result = server => result,
            () = overdue => {
                tracing::warn!(seconds = GRACE.as_secs(), "requests were cut off at shutdown");
                Ok(())
            }
        };
        self.shared.store.close().await;
        result
    }
}

/// Whether bundles can be read; a load balancer asks.
pub(crate) async fn ready(State(shared): State<Arc<Shared>>) -> Result<StatusCode, Problem> {
    if *shared.closing.borrow() {
        return Err(Problem::Closing);
    }
    shared.store.check().await?;
    Ok(StatusCode::OK)
}
