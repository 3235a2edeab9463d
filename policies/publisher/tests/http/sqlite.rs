//! A SQLite file in a folder of its own.

use std::path::PathBuf;

use cedarkey_publisher::Database;
use sqlx::{Connection as _, SqliteConnection};
use tempfile::TempDir;

/// Where a publisher's database is. It is gone when this is dropped.
pub struct Place {
    pub folder: TempDir,
}

impl Place {
    pub fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    pub fn file(&self) -> PathBuf {
        self.folder.path().join("bundles.db")
    }

    pub fn database(&self) -> Database {
        Database::Sqlite(self.file())
    }

    pub async fn count_segments(&self) -> i64 {
        let url = format!("sqlite://{}", self.file().display());
        let mut database = SqliteConnection::connect(&url).await.unwrap();
        let count = sqlx::query_scalar("SELECT count(*) FROM segments");
        let count = count.fetch_one(&mut database).await.unwrap();
        database.close().await.unwrap();
        count
    }
}
