//! The publisher: bundles are pushed to it, and proxies read them from it.
//!
//! | request | answer |
//! |---|---|
//! | `POST /v1/bundles/{name}/missing` | 200 with the segments to upload |
//! | `PUT /v1/segments/{sha256}` | 204 |
//! | `PUT /v1/bundles/{name}/manifest` | 201 |
//! | `PUT /v1/bundles/{name}` | 201: a push in one request |
//! | `GET /v1/bundles/{name}/manifest` | 200 with the envelope, 304, 404 |
//! | `GET /v1/bundles/{name}/versions` | 200 with those that are kept, 404 |
//! | `GET /v1/bundles/{name}/versions/{version}` | 200 with its envelope, 404 |
//! | `GET /v1/segments/{sha256}` | 200, 404 |
//! | `POST /v1/findings/{name}/github` | 200: leaked tokens that GitHub has found |
//! | `GET /v1/findings/{name}` | 200 with those that nobody has answered |
//! | `POST /v1/findings/{name}/answered` | 200 |
//! | `POST /v1/bundles/{name}/usage` | 204: what a proxy has counted, 404 |
//! | `GET /v1/bundles/{name}/usage` | 200 with what is known of the use of keys, 404 |
//! | `POST /v1/tokens` | 201 with a key for a workload that proves who it is |
//! | `GET /v1/fleet/{name}` | 200 with what proxies say they have in force, 404 |
//! | `GET /metrics` | 200 with what Prometheus reads |
//! | `GET /healthz`, `GET /readyz` | 200; `readyz` 503 when no bundle can be read |
//!
//! A push is authorised by the signature of what is pushed, so there are no accounts. A proxy
//! that sends `If-None-Match` with `Prefer: wait=N` is answered when there is something new.
//!
//! The publisher is not trusted by those who read from it: they verify everything again. It
//! checks what is pushed so that the one who pushes hears of a mistake, and not every proxy.

mod announce;
mod arrivals;
mod body;
mod clock;
mod conditional;
mod demand;
mod findings;
mod fleet;
mod follow;
mod local;
mod manifest;
mod metrics;
mod mirror;
mod problem;
mod push;
mod reflect;
mod seats;
mod segment;
mod server;
mod signers;
mod stamp;
mod store;
mod tls;
mod tokens;
mod usage;
mod versions;

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use axum::{
    Router,
    http::StatusCode,
    middleware,
    routing::{get, post, put},
};
use tokio::sync::watch;

use crate::{
    arrivals::Arrivals, body::Intake, findings::Findings, fleet::Fleet, metrics::Metrics,
    problem::Problem, seats::Seats, store::Store, usage::Usage,
};

pub use findings::{GithubKeys, GithubKeysError};
pub use local::{InForce, Rejected};
pub use mirror::{Mirror, MirrorError, Mirrored};
pub use server::Listeners;
pub use signers::{Signer, SignerTextError, Signers};
pub use store::{Database, DatabaseTextError, OpenError};
pub use tls::{Tls, TlsError, TlsFiles};
pub use tokens::{Minting, Proof, TokenRefusal, Tokens};

/// What a publisher needs to know.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where bundles are kept.
    pub database: Database,
    /// Who may push what.
    pub signers: Signers,
    /// The largest bundle that is accepted, in bytes.
    pub max_bundle_bytes: usize,
    /// How many connections there may be at a time, besides those of operators that have a listener
    /// of their own.
    pub max_connections: usize,
    /// How long a client may take for the head of a request, or for the next part of a body.
    pub patience: Duration,
    /// How many versions of each bundle are kept.
    pub keep: NonZeroU32,
    /// Where each newest version is written to as well.
    pub mirrors: Vec<Mirror>,
    /// By whose signatures GitHub's findings are known; without, none are taken.
    pub github_keys: Option<GithubKeys>,
    /// Whether proxies may tell of the use of keys. Whoever reaches the publisher may then write.
    pub usage: bool,
}

/// A publisher. Clones are the same publisher.
#[derive(Clone, Debug)]
pub struct Publisher {
    shared: Arc<Shared>,
}

/// What all requests have in common.
#[derive(Debug)]
struct Shared {
    store: Store,
    signers: Signers,
    max_bundle_bytes: usize,
    keep: NonZeroU32,
    intake: Intake,
    seats: Seats,
    patience: Duration,
    arrivals: Arrivals,
    findings: Option<Findings>,
    fleet: Fleet,
    usage: Option<Usage>,
    metrics: Metrics,
    /// Whether the publisher is about to stop, so that nothing is held any longer.
    closing: watch::Sender<bool>,
}

// === impl Options ===

impl Options {
    /// How long a client may usually take.
    pub const PATIENCE: Duration = Duration::from_secs(30);
}

// === impl Publisher ===

impl Publisher {
    /// Opens the database, and brings it up to date if an earlier version made it. It is called
    /// within a runtime of tokio, where the publisher then keeps up with others that have the same
    /// database.
    ///
    /// # Errors
    ///
    /// The database cannot be used; the message says why.
    pub async fn open(options: Options) -> Result<Self, OpenError> {
        let store = Store::open(&options.database).await?;
        let shared = Shared {
            store,
            signers: options.signers,
            max_bundle_bytes: options.max_bundle_bytes,
            keep: options.keep,
            intake: Intake::new(options.patience),
            seats: Seats::new(options.max_connections),
            patience: options.patience,
            arrivals: Arrivals::default(),
            findings: options.github_keys.map(Findings::new),
            fleet: Fleet::default(),
            usage: options.usage.then(Usage::default),
            metrics: Metrics::default(),
            closing: watch::Sender::new(false),
        };
        let shared = Arc::new(shared);
        follow::start(&shared, &options.database, options.mirrors);
        Ok(Self { shared })
    }

    /// For those who push, and for proxies.
    fn bundle_routes(&self) -> Router<Arc<Shared>> {
        let findings = self.shared.findings.as_ref().map(|_| findings::routes());
        Router::new()
            .merge(findings.unwrap_or_default())
            .route("/v1/bundles/{name}", put(push::put_archive))
            .route("/v1/bundles/{name}/manifest", get(manifest::get).put(push::put_manifest))
            .route("/v1/bundles/{name}/missing", post(announce::post))
            .route("/v1/bundles/{name}/versions", get(versions::list))
            .route("/v1/bundles/{name}/versions/{version}", get(versions::get))
            .route("/v1/bundles/{name}/usage", post(usage::post))
            .route("/v1/segments/{digest}", get(segment::get).put(segment::put))
            .merge(health())
    }

    /// For operators.
    fn operation_routes(&self) -> Router<Arc<Shared>> {
        Router::new()
            .route("/v1/fleet/{name}", get(fleet::get))
            .route("/v1/bundles/{name}/usage", get(usage::get))
            .route("/metrics", get(metrics::get))
    }

    fn finish(&self, routes: Router<Arc<Shared>>) -> Router {
        let shared = Arc::clone(&self.shared);
        routes
            .fallback(async || Problem::NoSuchPath)
            .method_not_allowed_fallback(async || Problem::WrongMethod)
            .layer(middleware::from_fn(seats::check))
            .layer(middleware::from_fn_with_state(Arc::clone(&shared), metrics::count))
            .with_state(shared)
    }

    /// How many requests are being held until there is something new.
    #[must_use]
    pub fn held(&self) -> usize {
        self.shared.arrivals.waiting()
    }
}

fn health() -> Router<Arc<Shared>> {
    Router::new().route("/healthz", get(StatusCode::OK)).route("/readyz", get(server::ready))
}
