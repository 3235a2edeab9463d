//! Running the service and stopping it.

use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, extract::State, http::StatusCode};
use axum_server::{Handle, Server, tls_rustls::RustlsAcceptor};
use tokio::{net::TcpListener, task::JoinSet};

use crate::{Publisher, Shared, Tls, Tokens, problem::Problem, seats::Seats, tokens};

/// How long requests that were under way when the publisher was told to stop may still take.
const GRACE: Duration = Duration::from_secs(5);

/// How much of what a connection sends may wait to be read, in bytes; a head is no longer. Bodies are
/// read as they come, those that were refused are not, and there may be ten thousand of them.
const WAITING: usize = 16 * 1024;

/// Where a publisher listens.
#[derive(Debug)]
pub struct Listeners {
    /// For those who push, and for proxies.
    pub bundles: TcpListener,
    /// What they are spoken to with; plain HTTP if there is none.
    pub tls: Option<Tls>,
    /// For operators: metrics and the fleet, in plain HTTP. Without it, they ask where bundles are.
    pub operations: Option<TcpListener>,
    /// Who gives keys to workloads, where bundles are; nobody, if there is none.
    pub tokens: Option<Arc<dyn Tokens>>,
}

// === impl Listeners ===

impl From<TcpListener> for Listeners {
    /// Everything in one place, and in plain HTTP.
    fn from(bundles: TcpListener) -> Self {
        Self { bundles, tls: None, operations: None, tokens: None }
    }
}

// === impl Publisher ===

impl Publisher {
    /// Answers requests until `shutdown` is over, and then those that are under way, for at most
    /// five seconds. Held requests are answered at once.
    ///
    /// # Errors
    ///
    /// A listener fails.
    pub async fn serve(
        self,
        listeners: impl Into<Listeners>,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let Listeners { bundles, tls, operations, tokens } = listeners.into();
        let handle = Handle::new();
        let mut servers = JoinSet::new();
        let mut routes = self.bundle_routes();
        let clients = tls.as_ref().map(Tls::clients).unwrap_or_default();
        routes = routes.merge(tokens::routes(tokens, clients));
        let (seats, patience) = (self.shared.seats.clone(), self.shared.patience);
        match operations {
            Some(listener) => {
                let service = self.finish(self.operation_routes().merge(crate::health()));
                // A handle says where one server listens; what stops them is common.
                let handle = Handle::with_control(handle.control());
                // Operators find a seat whatever happens where bundles are.
                let seats = Seats::new(usize::MAX);
                servers.spawn(run(listener, None, seats, patience, handle, service));
            }
            None => routes = routes.merge(self.operation_routes()),
        }
        let mut helpers = JoinSet::new();
        if let Some(tls) = &tls {
            helpers.spawn(tls.clone().follow());
        }
        let service = self.finish(routes);
        servers.spawn(run(bundles, tls, seats, patience, handle.clone(), service));
        let closing = self.shared.closing.clone();
        helpers.spawn(async move {
            shutdown.await;
            closing.send_replace(true);
            handle.graceful_shutdown(Some(GRACE));
        });
        let mut result = Ok(());
        while let Some(ended) = servers.join_next().await {
            let ended = ended.map_err(io::Error::other).flatten();
            if ended.is_err() {
                // The other is of no use alone.
                servers.abort_all();
                result = result.and(ended);
            }
        }
        self.shared.closing.send_replace(true);
        self.shared.write_fleet().await;
        self.shared.store.close().await;
        result
    }
}

async fn run(
    listener: TcpListener,
    tls: Option<Tls>,
    seats: Seats,
    patience: Duration,
    handle: Handle<SocketAddr>,
    routes: Router,
) -> io::Result<()> {
    let mut server = Server::<SocketAddr>::from_listener(listener).handle(handle);
    // The whole head has to be there by then, that of a connection's next request too.
    server.http_builder().http1().header_read_timeout(patience).max_buf_size(WAITING);
    // Who is not there any more has no seat.
    server.http_builder().http2().keep_alive_interval(patience).keep_alive_timeout(patience);
    let server = server.first_request_timeout(patience);
    let service = routes.into_make_service();
    match tls {
        Some(tls) => {
            let acceptor = RustlsAcceptor::new(tls.config()).acceptor(seats);
            server.acceptor(acceptor).serve(service).await
        }
        None => server.acceptor(seats).serve(service).await,
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
