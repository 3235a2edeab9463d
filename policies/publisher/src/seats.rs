//! How many connections there are at a time.
//!
//! Who comes when all seats are taken is told so, and the connection ends. When too many are being
//! told, the others are only turned away.

use std::{
    future::{Ready, ready},
    io,
    sync::Arc,
};

use axum::{
    Extension, Router,
    extract::Request,
    http::{HeaderValue, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use axum_server::accept::Accept;
use prometheus_client::metrics::counter::Counter;
use tokio::{
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError},
};

use crate::problem::Problem;

/// How many are told at a time that there is no seat.
const STANDING: usize = 64;

/// The seats of one listener.
#[derive(Clone, Debug)]
pub(crate) struct Seats {
    limit: usize,
    free: Arc<Semaphore>,
    standing: Arc<Semaphore>,
    /// Connections that were ended without an answer.
    pub(crate) turned_away: Counter,
}

/// What a connection has until it ends.
#[derive(Clone, Debug)]
struct Place {
    is_seat: bool,
    _taken: Arc<OwnedSemaphorePermit>,
}

// === impl Seats ===

impl Seats {
    pub(crate) fn new(limit: usize) -> Self {
        // More than any machine has.
        let limit = limit.min(Semaphore::MAX_PERMITS);
        let (free, standing) = (Semaphore::new(limit), Semaphore::new(STANDING));
        let (free, standing) = (Arc::new(free), Arc::new(standing));
        Self { limit, free, standing, turned_away: Counter::default() }
    }

    /// How many are taken.
    pub(crate) fn taken(&self) -> usize {
        self.limit.saturating_sub(self.free.available_permits())
    }

    fn take(&self) -> Result<Place, TryAcquireError> {
        let place = |is_seat| move |taken| Place { is_seat, _taken: Arc::new(taken) };
        Arc::clone(&self.free)
            .try_acquire_owned()
            .map(place(true))
            .or_else(|_| Arc::clone(&self.standing).try_acquire_owned().map(place(false)))
    }
}

impl Accept<TcpStream, Router> for Seats {
    type Stream = TcpStream;
    type Service = Router;
    type Future = Ready<io::Result<(TcpStream, Router)>>;

    fn accept(&self, stream: TcpStream, routes: Router) -> Self::Future {
        match self.take() {
            // It lives as long as the service, and that as long as the connection.
            Ok(place) => ready(Ok((stream, routes.layer(Extension(place))))),
            Err(full) => {
                self.turned_away.inc();
                ready(Err(io::Error::other(full)))
            }
        }
    }
}

/// Answers requests of connections that have no seat.
pub(crate) async fn check(request: Request, next: Next) -> Response {
    if request.extensions().get::<Place>().is_none_or(|place| place.is_seat) {
        return next.run(request).await;
    }
    let mut response = Problem::TooManyConnections.into_response();
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
