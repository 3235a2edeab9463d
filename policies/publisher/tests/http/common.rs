//! A publisher on a free port, and bundles to push to it.

use std::{
    io,
    net::SocketAddr,
    num::NonZeroU32,
    sync::Once,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use cedarkey_bundle::{Archive, Draft, SegmentKind, SigningKey};
use cedarkey_publisher::{Database, Options, Publisher, Signer};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use crate::backend::Place;

pub const MAX_ARCHIVE: usize = 64 * 1024;
pub const KEEP: NonZeroU32 = NonZeroU32::new(3).unwrap();

/// A running publisher, which stops when it is dropped.
pub struct Server {
    pub publisher: Publisher,
    pub address: SocketAddr,
    pub place: Place,
    pub client: Client,
    pub task: JoinHandle<io::Result<()>>,
    /// Dropped or used, it tells the publisher to stop.
    pub stop: oneshot::Sender<()>,
}

pub fn signer(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_secs().try_into().unwrap()
}

pub fn draft(name: &str, version: u64) -> Draft {
    Draft {
        name: name.into(),
        version,
        created: now() - 60,
        expires: now() + 3600,
        segments: vec![
            (SegmentKind::Model, b"the same in every version".to_vec()),
            (SegmentKind::Revocations, version.to_le_bytes().to_vec()),
        ],
    }
}

pub fn archive(name: &str, version: u64) -> Archive {
    draft(name, version).sign(&[&signer(1)]).unwrap()
}

/// Waits for a condition that comes true by the work of others.
pub async fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// What a problem says, having checked the form of it.
pub async fn problem(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let body: serde_json::Value = response.json().await.unwrap();
    assert_eq!(body["status"], status);
    assert!(body["type"].as_str().unwrap().starts_with("urn:cedarkey:publisher:"), "{body}");
    assert!(!body["title"].as_str().unwrap().is_empty());
    (status, body["detail"].as_str().unwrap().to_owned())
}

// === impl Server ===

impl Server {
    pub async fn start() -> Self {
        Self::start_in(Place::new()).await
    }

    pub async fn start_in(place: Place) -> Self {
        let options = options(place.database());
        Self::start_with(place, options).await
    }

    pub async fn start_with(place: Place, options: Options) -> Self {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            rustls::crypto::ring::default_provider().install_default().unwrap();
        });
        let publisher = Publisher::open(options).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = publisher.clone().serve(listener, async {
            // An error is a dropped sender: the test is over.
            let _stopped = stopped.await;
        });
        let task = tokio::spawn(serving);
        let client = Client::builder().no_proxy().build().unwrap();
        Self { publisher, address, place, client, task, stop }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(self.url(path))
    }

    pub async fn put(&self, name: &str, body: impl Into<reqwest::Body>) -> Response {
        let request = self.client.put(self.url(&format!("/v1/bundles/{name}"))).body(body);
        let request = request.header("content-type", cedarkey_bundle::ARCHIVE_MEDIA_TYPE);
        request.send().await.unwrap()
    }

    /// A push that is accepted; the ETag of what was pushed.
    pub async fn push(&self, archive: &Archive) -> String {
        let name = &archive.envelope.manifest().name;
        let response = self.put(name, archive.encode()).await;
        assert_eq!(response.status(), StatusCode::CREATED);
        response.headers()["etag"].to_str().unwrap().to_owned()
    }

    /// A request for the manifest that is held while it has this ETag.
    pub fn poll(&self, name: &str, etag: &str, seconds: u32) -> JoinHandle<Response> {
        let request = self.get(&format!("/v1/bundles/{name}/manifest"));
        let request =
            request.header("if-none-match", etag).header("prefer", format!("wait={seconds}"));
        tokio::spawn(async { request.send().await.unwrap() })
    }

    /// Stops the publisher in order and gives back its database.
    pub async fn stop(self) -> Place {
        self.stop.send(()).unwrap();
        self.task.await.unwrap().unwrap();
        self.place
    }
}

pub fn options(database: Database) -> Options {
    let anywhere = Signer::from(signer(1).public());
    let for_shop = Signer { name: Some("shop".into()), ..signer(2).public().into() };
    Options {
        database,
        signers: [anywhere, for_shop].into_iter().collect(),
        max_bundle_bytes: MAX_ARCHIVE,
        max_connections: 1000,
        patience: Options::PATIENCE,
        keep: KEEP,
        mirrors: Vec::new(),
        github_keys: None,
        usage: true,
    }
}
