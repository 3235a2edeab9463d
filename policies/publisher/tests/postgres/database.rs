//! PostgreSQL that cannot be used, or is slow.

use std::time::{Duration, Instant};

use cedarkey_host_kit::ports;
use cedarkey_publisher::{Database, OpenError, Publisher};
use reqwest::StatusCode;
use sqlx::{Connection as _, Executor as _};

use crate::backend::Place;
use crate::common::{Server, archive, options, problem};

async fn refusal(url: &str) -> (OpenError, String) {
    let database: Database = url.parse().unwrap();
    let error = Publisher::open(options(database)).await.unwrap_err();
    let message = error.to_string();
    (error, message)
}

#[tokio::test]
async fn a_server_that_is_not_there_is_refused() {
    let url = format!("postgres://cedarkey:secret@127.0.0.1:{}/x", ports::free().unwrap());
    let (error, message) = refusal(&url).await;
    assert!(matches!(error, OpenError::Away { .. }), "{error:?}");
    assert!(message.contains("cannot be reached: is PostgreSQL running there?"), "{message}");
    assert!(!message.contains("secret"), "{message}");
}

#[tokio::test]
async fn a_database_that_is_not_there_is_refused() {
    let place = Place::new();
    let (error, _) = refusal(&format!("{}-not", place.url)).await;
    let OpenError::Database { source, .. } = error else { panic!("{error:?}") };
    assert!(source.to_string().contains("does not exist"), "{source}");
}

#[tokio::test]
async fn the_tables_of_a_later_version_are_left_alone() {
    let place = Server::start().await.stop().await;
    let mut later = place.connect().await;
    let migration = "INSERT INTO cedarkey_publisher._sqlx_migrations \
                     (version, description, success, checksum, execution_time) \
                     VALUES (9999, 'of the future', TRUE, '', 1)";
    later.execute(migration).await.unwrap();
    later.close().await.unwrap();
    let (error, _) = refusal(&place.url).await;
    assert!(matches!(error, OpenError::NewerSchema { .. }), "{error:?}");
}

/// The publisher keeps to its schema: others may use the database too.
#[tokio::test]
async fn tables_of_others_are_left_alone() {
    let place = Place::new();
    let mut other = place.connect().await;
    let tables = "CREATE TABLE bundles (id TEXT); CREATE TABLE _sqlx_migrations (version BIGINT);
                  INSERT INTO _sqlx_migrations VALUES (77)";
    other.execute(tables).await.unwrap();
    let server = Server::start_in(place).await;
    server.push(&archive("quickstart", 1)).await;
    let theirs = "SELECT count(*) FROM public.bundles";
    let theirs: i64 = sqlx::query_scalar(theirs).fetch_one(&mut other).await.unwrap();
    assert_eq!(theirs, 0);
    other.close().await.unwrap();
}

#[tokio::test]
async fn publishers_that_start_at_the_same_time_do_not_disturb_each_other() {
    let place = Place::new();
    let opening = (0..4).map(|_| Publisher::open(options(place.database())));
    for publisher in futures_util::future::join_all(opening).await {
        publisher.unwrap();
    }
}

#[tokio::test]
async fn a_lock_that_is_not_let_go_of_is_waited_for_only_so_long() {
    let server = Server::start().await;
    server.push(&archive("quickstart", 1)).await;
    let mut holder = server.place.connect().await;
    let lock = "BEGIN; LOCK TABLE cedarkey_publisher.bundles IN SHARE ROW EXCLUSIVE MODE";
    holder.execute(lock).await.unwrap();
    let began = Instant::now();
    let response = server.put("quickstart", archive("quickstart", 2).encode()).await;
    assert_eq!(response.headers()["retry-after"], "1");
    let expected = "the publisher's database is locked or overloaded; try again".to_owned();
    assert_eq!(problem(response).await, (503, expected));
    assert!(began.elapsed() < Duration::from_secs(10));
    // Readers are not held up by it.
    let response = server.get("/v1/bundles/quickstart/manifest").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    holder.execute("ROLLBACK").await.unwrap();
    server.push(&archive("quickstart", 2)).await;
    holder.close().await.unwrap();
}
