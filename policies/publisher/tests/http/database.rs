//! Databases that cannot be used.

use std::fs;

use cedarkey_bundle::Digest;
use cedarkey_publisher::{Database, OpenError, Publisher};
use reqwest::StatusCode;
use sqlx::{Connection as _, Executor as _, SqliteConnection};

use crate::backend::Place;
use crate::common::{Server, archive, options, problem};
use crate::findings;

async fn connect(place: &Place) -> SqliteConnection {
    let file = place.file();
    SqliteConnection::connect(&format!("sqlite://{}?mode=rwc", file.display())).await.unwrap()
}

/// Why the database of this folder is not opened; the message without the folder's name.
async fn refusal(place: &Place) -> (OpenError, String) {
    let error = Publisher::open(options(place.database())).await.unwrap_err();
    let message = error.to_string().replace(&format!("{}/", place.folder.path().display()), "");
    (error, message)
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let place = Place::new();
    fs::write(place.file(), "not a database\n".repeat(500)).unwrap();
    let (error, message) = refusal(&place).await;
    assert!(matches!(error, OpenError::Corrupt { .. }), "{error:?}");
    assert_eq!(message, "`bundles.db` is damaged or is not a SQLite database");
}

#[tokio::test]
async fn a_database_with_a_broken_page_is_refused() {
    let server = Server::start().await;
    server.push(&archive("quickstart", 1)).await;
    let place = server.stop().await;
    let file = place.file();
    let mut bytes = fs::read(&file).unwrap();
    // The header, which is 100 bytes long, stays; the table of tables behind it does not.
    bytes[100..4096].fill(0xff);
    fs::write(&file, bytes).unwrap();
    let (error, _) = refusal(&place).await;
    assert!(matches!(error, OpenError::Corrupt { .. }), "{error:?}");
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_refused() {
    let place = Place::new();
    let path = place.folder.path().join("missing/bundles.db");
    let error = Publisher::open(options(Database::Sqlite(path))).await.unwrap_err();
    assert!(matches!(error, OpenError::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains("is its folder there, and is it yours?"), "{error}");
}

#[tokio::test]
async fn the_database_of_another_program_is_left_alone() {
    let place = Place::new();
    let mut other = connect(&place).await;
    other.execute("CREATE TABLE keys (id TEXT)").await.unwrap();
    other.close().await.unwrap();
    let (error, message) = refusal(&place).await;
    assert!(matches!(error, OpenError::Foreign { .. }), "{error:?}");
    assert_eq!(message, "`bundles.db` is a database, but not a publisher's");
}

#[tokio::test]
async fn the_database_of_a_later_version_is_left_alone() {
    let place = Server::start().await.stop().await;
    let mut later = connect(&place).await;
    let migration = "INSERT INTO _sqlx_migrations \
                     (version, description, success, checksum, execution_time) \
                     VALUES (9999, 'of the future', TRUE, x'00', 1)";
    later.execute(migration).await.unwrap();
    later.close().await.unwrap();
    let (error, message) = refusal(&place).await;
    assert!(matches!(error, OpenError::NewerSchema { .. }), "{error:?}");
    assert_eq!(message, "`bundles.db` was written by a newer version of cedarkey");
}

/// What was pushed before there was a table of parts is kept and collected like the rest.
#[tokio::test]
async fn the_database_of_an_earlier_version_is_brought_up_to_date() {
    let server = Server::start().await;
    let old = archive("quickstart", 1);
    server.push(&old).await;
    let place = server.stop().await;
    let mut earlier = connect(&place).await;
    let undone = "DROP TABLE parts; DROP TABLE wanted; DROP TABLE fleet; DROP TABLE findings; \
                  DROP TABLE deliveries; DROP TABLE key_usage; DROP TABLE usage_reporters; \
                  DROP TABLE usage_since; DELETE FROM _sqlx_migrations WHERE version > 1";
    earlier.execute(undone).await.unwrap();
    earlier.close().await.unwrap();

    let server = Server::start_in(place).await;
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
    let place = Place::new();
    let mut holder = connect(&place).await;
    holder.execute("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").await.unwrap();
    let (error, message) = refusal(&place).await;
    assert!(matches!(error, OpenError::Locked { .. }), "{error:?}");
    assert_eq!(message, "`bundles.db` is locked by another process");
    holder.close().await.unwrap();
}

#[tokio::test]
async fn a_database_that_gets_locked_is_said_to_be() {
    let server = Server::start().await;
    server.push(&archive("quickstart", 1)).await;
    let mut holder = connect(&server.place).await;
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
    let mut vandal = connect(&server.place).await;
    vandal.execute("DROP TABLE bundles").await.unwrap();
    let expected = "the publisher's database cannot be used; its log says more".to_owned();
    for path in ["/readyz", "/v1/bundles/quickstart/versions", "/v1/bundles/other/manifest"] {
        let response = server.get(path).send().await.unwrap();
        assert_eq!(problem(response).await, (500, expected.clone()));
    }
    // What proxies ask for is known.
    let response = server.get("/v1/bundles/quickstart/manifest").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    vandal.close().await.unwrap();
}

#[tokio::test]
async fn closed_in_order_a_database_is_one_file() {
    let server = Server::start().await;
    server.push(&archive("quickstart", 1)).await;
    let place = server.stop().await;
    assert_eq!(place.folder.path().read_dir().unwrap().count(), 1);
}

/// Neither the token nor anything of what else was in the request, but what is kept of it.
#[tokio::test]
async fn a_token_that_was_found_is_nowhere_in_the_database() {
    let (server, github) = findings::start().await;
    let token = "ck_production_this-is-secret-in-all-its-parts";
    let body = serde_json::json!([
        {"token": token, "type": "this-is-kept", "more": "this-is-not-kept"},
    ]);
    assert_eq!(github.tell(&server, &body.to_string()).await.status(), StatusCode::OK);
    let holds = |place: &Place, text: &str| {
        let files = place.folder.path().read_dir().unwrap();
        let mut contents = files.map(|file| fs::read(file.unwrap().path()).unwrap());
        contents.any(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
    };
    // While it runs, with what lies beside the file, and afterwards.
    let told = |place: &Place| {
        assert!(holds(place, "this-is-kept"));
        assert!(!holds(place, "secret-in-all"));
        assert!(!holds(place, "this-is-not-kept"));
    };
    told(&server.place);
    told(&server.stop().await);
}
