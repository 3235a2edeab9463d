//! A database of its own in a real PostgreSQL, which all tests of this process share.

use std::sync::{
    Arc, Mutex, PoisonError, Weak,
    atomic::{AtomicU32, Ordering},
};

use cedarkey_host_kit::postgres::Postgres;
use cedarkey_publisher::Database;
use sqlx::{Connection as _, PgConnection};

/// Where a publisher's database is. The server stops when the last of them is dropped.
#[derive(Clone)]
pub struct Place {
    pub server: Arc<Mutex<Postgres>>,
    pub url: String,
}

impl Place {
    pub fn new() -> Self {
        static SHARED: Mutex<Weak<Mutex<Postgres>>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        let server = shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Mutex::new(Postgres::start().unwrap()));
            *shared = Arc::downgrade(&server);
            server
        });
        Self::of(server)
    }

    /// In a server that no other test has.
    pub fn alone() -> Self {
        Self::of(Arc::new(Mutex::new(Postgres::start().unwrap())))
    }

    fn of(server: Arc<Mutex<Postgres>>) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("bundles{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let url = server.lock().unwrap_or_else(PoisonError::into_inner).create(&name).unwrap();
        Self { server, url }
    }

    pub fn database(&self) -> Database {
        self.url.parse().unwrap()
    }

    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.unwrap()
    }

    pub async fn count_segments(&self) -> i64 {
        let mut database = self.connect().await;
        let count = sqlx::query_scalar("SELECT count(*) FROM cedarkey_publisher.segments");
        let count = count.fetch_one(&mut database).await.unwrap();
        database.close().await.unwrap();
        count
    }
}
