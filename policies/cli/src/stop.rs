//! Being told to stop.

use crate::exit::Exit;
use crate::failure::{Context, Failure};
use tokio::signal::unix::{SignalKind, signal};

/// Ends with SIGTERM or SIGINT.
pub fn told_to_stop() -> Result<impl Future<Output = ()> + Send + 'static, Failure> {
    let listen = |kind| signal(kind).context(Exit::Failure, "signals cannot be listened for");
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
