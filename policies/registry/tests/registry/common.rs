//! A registry of each kind, and keys for it.

use cedarkey_host_kit::postgres::Postgres;
use cedarkey_registry::{Change, NewKey, Place, Registry, Verified};
use jiff::{Timestamp, ToSpan};
use sqlx::{AnyConnection, Connection};
use std::path::Path;
use tempfile::TempDir;

/// A place for a registry.
pub struct Home {
    pub place: Place,
    /// As sqlx takes it.
    pub url: String,
    folder: Option<TempDir>,
}

impl Home {
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys.db");
        let url = format!("sqlite://{}?mode=rwc", file.display());
        Self { place: Place::File(file), url, folder: Some(folder) }
    }

    pub fn postgres(server: &Postgres, name: &str) -> Self {
        // PostgreSQL cuts names off after 63 bytes.
        let url = server.create(name.get(..60).unwrap_or(name)).unwrap();
        Self { place: Place::parse(&url, Path::new("")).unwrap(), url, folder: None }
    }

    pub async fn open(&self) -> Registry {
        Registry::open_at(&self.place).await.unwrap()
    }

    /// The database without the registry around it.
    pub async fn raw(&self) -> AnyConnection {
        sqlx::any::install_default_drivers();
        AnyConnection::connect(&self.url).await.unwrap()
    }

    /// The folder of a file.
    pub fn folder(&self) -> &Path {
        self.folder.as_ref().unwrap().path()
    }

    pub fn is_file(&self) -> bool {
        self.folder.is_some()
    }
}

pub fn now() -> Timestamp {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

/// A change in the hour after [`now`].
pub fn by(actor: &str) -> Change {
    Change::new(actor, "because", now())
}

pub fn by_at(actor: &str, now: Timestamp) -> Change {
    Change::new(actor, "because", now)
}

pub fn new_key() -> NewKey {
    NewKey {
        prefix: "ck".into(),
        environment: "test".into(),
        owner: "team:payments".into(),
        purpose: "nightly export".into(),
        team: Some("payments".into()),
        scopes: vec!["orders:read".into()],
        networks: vec!["10.0.0.0/8".into()],
        expires: Some(now() + 240.hours()),
        ..NewKey::default()
    }
}

pub async fn verify(registry: &Registry) -> Verified {
    registry.verify(None, &mut |_| {}).await.unwrap()
}
