//! A source of bundles that says what it is told to: a publisher as far as proxies can tell.

use crate::upstream::Upstream;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use cedarkey_bundle::Archive;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// A publisher of one bundle, whose versions it is given.
#[derive(Debug)]
pub struct Source {
    shelf: Arc<Shelf>,
    server: Upstream,
}

#[derive(Debug)]
struct Shelf {
    /// The newest envelope, with its version.
    latest: watch::Sender<(u64, Vec<u8>)>,
    segments: Mutex<HashMap<String, Vec<u8>>>,
    /// The headers of each poll.
    polls: Mutex<Vec<HeaderMap>>,
}

// === impl Source ===

impl Source {
    /// Starts one, on a free port of 127.0.0.1, that has nothing yet.
    ///
    /// # Errors
    ///
    /// There is no free port.
    pub fn start() -> io::Result<Self> {
        let shelf = Arc::new(Shelf {
            latest: watch::Sender::new((0, Vec::new())),
            segments: Mutex::default(),
            polls: Mutex::default(),
        });
        let router = Router::new()
            .route("/v1/bundles/{name}/manifest", get(manifest))
            .route("/v1/segments/{digest}", get(segment))
            .with_state(Arc::clone(&shelf));
        Ok(Self { shelf, server: Upstream::serve(router)? })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Publishes a version. Held polls are answered at once.
    pub fn publish(&self, bundle: &Archive) {
        let manifest = bundle.envelope.manifest();
        let named = manifest.segments.iter().map(|segment| segment.digest.to_string());
        let segments = named.zip(bundle.segments.iter().cloned()).collect();
        *self.shelf.segments.lock().unwrap_or_else(PoisonError::into_inner) = segments;
        self.shelf.latest.send_replace((manifest.version, bundle.envelope.encode()));
    }

    /// The headers of the last poll.
    #[must_use]
    pub fn last_poll(&self) -> HeaderMap {
        let polls = self.shelf.polls.lock().unwrap_or_else(PoisonError::into_inner);
        polls.last().cloned().unwrap_or_default()
    }
}

async fn manifest(State(shelf): State<Arc<Shelf>>, headers: HeaderMap) -> Response {
    shelf.polls.lock().unwrap_or_else(PoisonError::into_inner).push(headers.clone());
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let etag = |version: u64| format!("\"{version}\"");
    let known = text("if-none-match").map(str::to_owned);
    let wait = text("prefer").and_then(|prefer| prefer.strip_prefix("wait=")?.parse().ok());
    let mut latest = shelf.latest.subscribe();
    let is_new = |(version, _): &(u64, Vec<u8>)| Some(etag(*version)) != known && *version > 0;
    let wait = Duration::from_secs(wait.unwrap_or(0));
    let found = tokio::time::timeout(wait, latest.wait_for(is_new)).await;
    match found {
        Ok(Ok(latest)) => ([("etag", etag(latest.0))], latest.1.clone()).into_response(),
        _ => StatusCode::NOT_MODIFIED.into_response(),
    }
}

async fn segment(State(shelf): State<Arc<Shelf>>, Path(digest): Path<String>) -> Response {
    let segments = shelf.segments.lock().unwrap_or_else(PoisonError::into_inner);
    segments
        .get(&digest)
        .cloned()
        .map_or(StatusCode::NOT_FOUND.into_response(), |bytes| bytes.into_response())
}
