//! SQLite files that cannot be used.

use crate::common::Home;
use cedarkey_registry::{OpenError, Place, Registry};
use sqlx::Executor;

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::sqlite();
    home.open().await;
    let file = home.folder().join("keys.db");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn a_path_may_hold_anything() {
    let home = Home::sqlite();
    let folder = home.folder().join("50% of #1? ä");
    std::fs::create_dir(&folder).unwrap();
    let registry = Registry::open(&folder.join("keys & more.db")).await.unwrap();
    assert!(registry.all().await.unwrap().is_empty());
    assert!(folder.join("keys & more.db").exists());
}

#[tokio::test]
async fn each_unusable_file_has_its_own_message() {
    let open = async |home: &Home| Registry::open_at(&home.place).await.unwrap_err();
    let text = Home::sqlite();
    let no_database = "this is no database, and long enough to be told from an empty one";
    std::fs::write(text.folder().join("keys.db"), no_database).unwrap();
    assert!(matches!(open(&text).await, OpenError::Corrupt(_)));

    let foreign = Home::sqlite();
    foreign.raw().await.execute("CREATE TABLE t (a)").await.unwrap();
    assert!(matches!(open(&foreign).await, OpenError::Foreign(_)));

    let newer = Home::sqlite();
    newer.open().await.close().await;
    let later = "INSERT INTO _sqlx_migrations (version, description, success, checksum,
                 execution_time) VALUES (9999, 'later', 1, x'00', 0)";
    newer.raw().await.execute(later).await.unwrap();
    assert!(matches!(open(&newer).await, OpenError::NewerSchema(_)));

    let locked = Home::sqlite();
    locked.open().await.close().await;
    let mut holder = locked.raw().await;
    holder.execute("PRAGMA locking_mode = EXCLUSIVE").await.unwrap();
    holder.execute("BEGIN EXCLUSIVE").await.unwrap();
    assert!(matches!(open(&locked).await, OpenError::Locked(_)));

    let nowhere = Place::File(text.folder().join("no/such/folder/keys.db"));
    let nowhere = Registry::open_at(&nowhere).await.unwrap_err();
    assert!(matches!(nowhere, OpenError::Unreachable(_)));
}

#[tokio::test]
async fn a_damaged_page_is_noticed() {
    let home = Home::sqlite();
    home.open().await.close().await;
    let file = home.folder().join("keys.db");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0xab);
    std::fs::write(&file, bytes).unwrap();
    let error = Registry::open_at(&home.place).await.unwrap_err();
    assert!(matches!(error, OpenError::Corrupt(_)), "{error:?}");
}
