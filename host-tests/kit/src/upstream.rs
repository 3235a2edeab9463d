//! An upstream: the server behind the proxy.

use axum::{
    Json, Router,
    extract::{Request, State},
};
use serde_json::{Map, Value, json};
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
};
use tokio::{net::TcpListener, runtime, sync::oneshot};

/// An HTTP server (HTTP/1.1, and HTTP/2 without TLS) on a free port of 127.0.0.1. Dropping it stops
/// it and closes its connections.
#[derive(Debug)]
pub struct Upstream {
    address: SocketAddr,
    requests: Arc<AtomicU64>,
    /// Dropped, it tells the server to stop.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

// === impl Upstream ===

impl Upstream {
    /// Starts one that answers every request with 200 and, as JSON, what reached it:
    ///
    /// ```json
    /// {"method": "GET", "path": "/v1/orders?page=2", "headers": {"host": ["api.example.com"]}}
    /// ```
    ///
    /// The `:authority` of HTTP/2 is reported as `host`.
    ///
    /// # Errors
    ///
    /// There is no free port, or no thread.
    pub fn start() -> io::Result<Self> {
        Self::serve(Router::new().fallback(echo))
    }

    /// Starts one that answers as `router` does, and counts all requests.
    ///
    /// # Errors
    ///
    /// There is no free port, or no thread.
    pub fn serve(router: Router) -> io::Result<Self> {
        let requests = Arc::new(AtomicU64::new(0));
        let router = router.layer(axum::middleware::from_fn_with_state(
            Arc::clone(&requests),
            |State(requests): State<Arc<AtomicU64>>, request, next: axum::middleware::Next| async move {
                requests.fetch_add(1, Ordering::Relaxed);
                next.run(request).await
            },
        ));
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let run = move || {
            runtime.block_on(async {
                let Ok(listener) = TcpListener::from_std(listener) else { return };
                // Whoever stops it does not want to wait for connections that a proxy keeps open:
                // they end with the runtime.
                tokio::select! {
                    _ = axum::serve(listener, router) => {}
                    _ = stopped => {}
                }
            });
        };
        let thread = std::thread::Builder::new().name("upstream".into()).spawn(run)?;
        Ok(Self { address, requests, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many requests have reached it.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of a handler stays in its connection; the thread itself has none.
            let _ = thread.join();
        }
    }
}

async fn echo(request: Request) -> Json<Value> {
    let (parts, _) = request.into_parts();
    let mut headers = Map::new();
    if let Some(authority) = parts.uri.authority() {
        headers.insert("host".into(), json!([authority.as_str()]));
    }
    for name in parts.headers.keys() {
        let values = parts.headers.get_all(name).iter();
        let texts = values.map(|value| String::from_utf8_lossy(value.as_bytes()));
        headers.insert(name.as_str().into(), texts.collect());
    }
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    Json(json!({ "method": parts.method.as_str(), "path": path, "headers": headers }))
}

#[cfg(test)]
mod tests;
