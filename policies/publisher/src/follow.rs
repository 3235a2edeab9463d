//! Keeping up with other publishers that have the same database.
//!
//! PostgreSQL tells of every push. Whatever may have been missed, and what is pushed over a SQLite
//! file by another process, is found by looking.

use std::{
    future::Future,
    sync::{Arc, Weak},
    time::Duration,
};

use url::Url;

use crate::{
    Mirror, Shared,
    clock::now,
    reflect,
    store::{Database, Listener, StoreError},
    usage,
};

/// How often to look for what nobody told of.
const LOOK: Duration = Duration::from_secs(5);

/// How often to write down what proxies have said.
const WRITE: Duration = Duration::from_secs(2);

/// How long to wait before a lost connection is tried again.
const PAUSE: Duration = Duration::from_millis(500);

/// Begins to keep up, until the publisher stops or is dropped.
pub(crate) fn start(shared: &Arc<Shared>, database: &Database, mirrors: Vec<Mirror>) {
    spawn(shared, look(Arc::downgrade(shared)));
    spawn(shared, write(Arc::downgrade(shared)));
    if shared.usage.is_some() {
        spawn(shared, clear_places(Arc::downgrade(shared)));
    }
    for mirror in mirrors {
        spawn(shared, reflect::follow(Arc::downgrade(shared), mirror));
    }
    if let Database::Postgres(url) = database {
        spawn(shared, listen(Arc::downgrade(shared), url.clone()));
    }
}

fn spawn(shared: &Shared, task: impl Future<Output = ()> + Send + 'static) {
    let mut closing = shared.closing.subscribe();
    tokio::spawn(async move {
        tokio::select! {
            () = task => {}
            // It ends as well when the publisher is gone.
            _ = closing.wait_for(|closing| *closing) => {}
        }
    });
}

async fn look(shared: Weak<Shared>) {
    loop {
        let Some(strong) = shared.upgrade() else { return };
        strong.look().await;
        drop(strong);
        tokio::time::sleep(LOOK).await;
    }
}

async fn write(shared: Weak<Shared>) {
    loop {
        tokio::time::sleep(WRITE).await;
        let Some(shared) = shared.upgrade() else { return };
        shared.write_fleet().await;
    }
}

async fn clear_places(shared: Weak<Shared>) {
    let mut pause = usage::FIRST_LOOK;
    loop {
        tokio::time::sleep(pause).await;
        let Some(shared) = shared.upgrade() else { return };
        shared.clear_places(now()).await;
        pause = usage::LOOK;
    }
}

async fn listen(shared: Weak<Shared>, url: Url) {
    loop {
        if let Err(error) = hear(&shared, &url).await {
            tracing::warn!(%error, "cannot hear of pushes to other publishers");
        }
        let Some(strong) = shared.upgrade() else { return };
        strong.metrics.listening.set(0);
        drop(strong);
        tokio::time::sleep(PAUSE).await;
    }
}

/// Listens until something breaks.
async fn hear(shared: &Weak<Shared>, url: &Url) -> Result<(), StoreError> {
    let mut listener = Listener::connect(url).await?;
    // What was pushed before anybody listened.
    if let Some(shared) = shared.upgrade() {
        shared.metrics.listening.set(1);
        shared.look().await;
    }
    loop {
        let heard = listener.next().await?;
        let Some(shared) = shared.upgrade() else { return Ok(()) };
        match heard {
            Some(name) => shared.refresh(&name).await,
            None => shared.look().await,
        }
    }
}

// === impl Shared ===

impl Shared {
    /// Learns of everything that was pushed.
    async fn look(&self) {
        let newest = match self.store.newest().await {
            Ok(newest) => newest,
            Err(error) => {
                tracing::warn!(%error, "cannot look for what others were given");
                return;
            }
        };
        for (name, version) in newest {
            if self.arrivals.known(&name).is_none_or(|known| known.version < version) {
                self.refresh(&name).await;
            }
        }
    }

    /// Learns of the newest version of a bundle.
    async fn refresh(&self, name: &str) {
        match self.store.latest(name).await {
            Ok(Some(latest)) => self.arrivals.learn(name, &Arc::new(latest)),
            Ok(None) => {}
            Err(error) => tracing::warn!(bundle = name, %error, "cannot read what was pushed"),
        }
    }
}
