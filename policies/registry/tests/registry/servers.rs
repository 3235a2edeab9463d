//! PostgreSQL servers that cannot be used.

use crate::common::{Home, by, new_key};
use cedarkey_host_kit::postgres::Postgres;
use cedarkey_registry::{OpenError, Place, Registry, StoreError};
use sqlx::Executor;
use std::path::Path;

async fn open(url: &str) -> OpenError {
    Registry::open_at(&Place::parse(url, Path::new("")).unwrap()).await.unwrap_err()
}

#[tokio::test]
async fn each_unusable_server_has_its_own_message() {
    let mut server = Postgres::start().unwrap();
    let home = Home::postgres(&server, "keys");
    let registry = home.open().await;
    registry.issue(new_key(), &by("alice")).await.unwrap();

    let no_database = home.url.replace("/keys", "/other");
    assert!(matches!(open(&no_database).await, OpenError::Refused { .. }));
    let no_user = home.url.replace("postgres@", "eve@");
    assert!(matches!(open(&no_user).await, OpenError::Refused { .. }));
    let wrong = Place::parse("https://127.0.0.1/keys", Path::new("")).unwrap_err();
    assert!(matches!(wrong, OpenError::NoAddress(_)));

    let later = "INSERT INTO _cedarkey_registry_migrations (version, description, success,
                 checksum, execution_time) VALUES (9999, 'later', true, '', 0)";
    home.raw().await.execute(later).await.unwrap();
    assert!(matches!(open(&home.url).await, OpenError::NewerSchema(_)));

    server.stop().unwrap();
    let error = registry.all().await.unwrap_err();
    assert!(!matches!(error, StoreError::Corrupt | StoreError::Locked), "{error:?}");
    assert!(matches!(open(&home.url).await, OpenError::Unreachable(_)));
    // The same registry goes on once the server does.
    server.resume().unwrap();
    assert_eq!(registry.all().await.unwrap().len(), 1);
}
