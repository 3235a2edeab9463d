//! Databases that cannot be used.

use std::fs;

use cedarkey_bundle::Digest;
use cedarkey_publisher::{OpenError, Publisher};
use reqwest::StatusCode;
use sqlx::{Connection as _, Executor as _, SqliteConnection};
use tempfile::TempDir;

use crate::common::{Server, archive, options, problem};

async fn connect(folder: &TempDir) -> SqliteConnection {
    let file = folder.path().join("bundles.db");
    SqliteConnection::connect(&format!("sqlite://{}?mode=rwc", file.display())).await.unwrap()
}

/// Why the database of this folder is not opened; the message without the folder's name.
async fn refusal(folder: &TempDir) -> (OpenError, String) {
    let error = Publisher::open(options(folder.path().join("bundles.db"))).await.unwrap_err();
    let message = error.to_string().replace(&format!("{}/", folder.path().display()), "");
    (error, message)
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("bundles.db"), "not a database\n".repeat(500)).unwrap();
    let (error, message) = refusal(&folder).await;
    assert!(matches!(error, OpenError::Corrupt { .. }), "{error:?}");
    assert_eq!(message, "`bundles.db` is damaged or is not a SQLite database");
}

#[tokio::test]
async fn a_database_with_a_broken_page_is_refused() {
    let server = Server::start().await;
    server.push(&archive("quickstart", 1)).await;
    let folder = server.stop().await;
    let file = folder.path().join("bundles.db");
    let mut bytes = fs::read(&file).unwrap();
    // The header, which is 100 bytes long, stays; the table of tables behind it does not.
    bytes[100..4096].fill(0xff);
    fs::write(&file, bytes).unwrap();
    let (error, _) = refusal(&folder).await;
    assert!(matches!(error, OpenError::Corrupt { .. }), "{error:?}");
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("missing/bundles.db");
    let error = Publisher::open(options(path)).await.unwrap_err();
    assert!(matches!(error, OpenError::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains("is its folder there, and is it yours?"), "{error}");
}

#[tokio::test]
async fn the_database_of_another_program_is_left_alone() {
    let folder = TempDir::new().unwrap();
    let mut other = connect(&folder).await;
    other.execute("CREATE TABLE keys (id TEXT)").await.unwrap();
    other.close().await.unwrap();
    let (error, message) = refusal(&folder).await;
    assert!(matches!(error, OpenError::Foreign { .. }), "{error:?}");
    assert_eq!(message, "`bundles.db` is a database, but not a publisher's");
}

#[tokio::test]
async fn the_database_of_a_later_version_is_left_alone() {
    let folder = Server::start().await.stop().await;
    let mut later = connect(&folder).await;
    let migration = "INSERT INTO _sqlx_migrations \
                     (version, description, success, checksum, execution_time) \
                     VALUES (9999, 'of the future', TRUE, x'00', 1)";
    later.execute(migration).await.unwrap();
    later.close().await.unwrap();
    let (error, message) = refusal(&folder).await;
    assert!(matches!(error, OpenError::NewerSchema { .. }), "{error:?}");
    assert_eq!(message, "`bundles.db` was written by a newer version of cedarkey");
}

/// What was pushed before there was a table of parts is kept and collected like the rest.
#[tokio::test]
async fn the_database_of_an_earlier_version_is_brought_up_to_date() {
    let server = Server::start().await;
    let old = archive("quickstart", 1);
    server.push(&old).await;
    let folder = server.stop().await;
    let mut earlier = connect(&folder).await;
    let undone =
        "DROP TABLE parts; DROP TABLE wanted; DELETE FROM _sqlx_migrations WHERE version > 1";
    earlier.execute(undone).await.unwrap();
    earlier.close().await.unwrap();

    let server = Server::start_in(folder).await;
    let segment = format!("/v1/segments/{}", Digest::of(&old.segments[1]));
    for version in 2..=4 {
        let found = server.get(&segment).send().await.unwrap().status();
        assert_eq!(found, StatusCode::OK, "before version {version}");
        server.push(&archive("quickstart", version)).await;
    }
    assert_eq!(server.get(&segment).send().await.unwrap().status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_locked_database_is_refused_at_the_start() {
    let folder = TempDir::new().unwrap();
    let mut holder = connect(&folder).await;
    holder.execute("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").await.unwrap();
    let (error, message) = refusal(&folder).await;
    assert!(matches!(error, OpenError::Locked { .. }), "{error:?}");
    assert_eq!(message, "`bundles.db` is locked by another process");
    holder.close().await.unwrap();
}

#[tokio::test]
async fn a_database_that_gets_locked_is_said_to_be() {
    let server = Server::start().await;
    server.push(&archive("quickstart", 1)).await;
    let mut holder = connect(&server.folder).await;
    holder.execute("BEGIN IMMEDIATE").await.unwrap();
    let response = server.put("quickstart", archive("quickstart", 2).encode()).await;
    assert_eq!(response.headers()["retry-after"], "1");
    let expected = "the publisher's database is locked or overloaded; try again".to_owned();
    assert_eq!(problem(response).await, (503, expected));
    // Readers are not held up by it.
    let response = server.get("/v1/bundles/quickstart/manifest").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(server.get("/readyz").send().await.unwrap().status(), StatusCode::OK);

    holder.execute("ROLLBACK").await.unwrap();
    server.push(&archive("quickstart", 2)).await;
    holder.close().await.unwrap();
}

#[tokio::test]
async fn a_database_that_breaks_is_said_to_be() {
    let server = Server::start().await;
    server.push(&archive("quickstart", 1)).await;
    let mut vandal = connect(&server.folder).await;
    vandal.execute("DROP TABLE bundles").await.unwrap();
    let expected = "the publisher's database cannot be used; its log says more".to_owned();
    for path in ["/readyz", "/v1/bundles/quickstart/manifest"] {
        let response = server.get(path).send().await.unwrap();
        assert_eq!(problem(response).await, (500, expected.clone()));
    }
    vandal.close().await.unwrap();
}
