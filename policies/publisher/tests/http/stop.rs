//! Stopping and starting again.

use std::time::{Duration, Instant};

use cedarkey_publisher::Publisher;
use reqwest::StatusCode;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use crate::common::{Server, archive, options, problem, until};

#[tokio::test]
async fn held_requests_are_answered_when_the_publisher_stops() {
    let server = Server::start().await;
    let etag = server.push(&archive("quickstart", 1)).await;
    let polls: Vec<_> = (0..5).map(|_| server.poll("quickstart", &etag, 60)).collect();
    until("5 requests are held", || server.publisher.held() == 5).await;
    let began = Instant::now();
    let address = server.address;
    server.stop().await;
    for poll in polls {
        assert_eq!(poll.await.unwrap().status(), StatusCode::NOT_MODIFIED);
    }
    assert!(began.elapsed() < Duration::from_secs(5));
    TcpStream::connect(address).await.unwrap_err();
}

#[tokio::test]
async fn what_was_pushed_is_there_after_a_restart() {
    let server = Server::start().await;
    let pushed = archive("quickstart", 4);
    let etag = server.push(&pushed).await;
    let place = server.stop().await;

    let server = Server::start_in(place).await;
    let response = server.get("/v1/bundles/quickstart/manifest").send().await.unwrap();
    assert_eq!(response.headers()["etag"], etag);
    assert_eq!(response.bytes().await.unwrap(), pushed.envelope.encode());
    let again = server.put("quickstart", pushed.encode()).await;
    assert_eq!(problem(again).await.0, 409);
    server.push(&archive("quickstart", 5)).await;
}

#[tokio::test]
async fn a_push_that_never_ends_does_not_keep_the_publisher_from_stopping() {
    let server = Server::start().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = "PUT /v1/bundles/quickstart HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    // An answer to a later request shows that the connection was accepted.
    assert_eq!(server.get("/healthz").send().await.unwrap().status(), StatusCode::OK);
    let began = Instant::now();
    server.stop().await;
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn two_publishers_can_have_the_same_database() {
    let server = Server::start().await;
    let second = Publisher::open(options(server.place.database())).await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/bundles/quickstart", listener.local_addr().unwrap());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let task = tokio::spawn(second.serve(listener, async { stopped.await.unwrap() }));

    let etag = server.push(&archive("quickstart", 1)).await;
    let poll = server.poll("quickstart", &etag, 60);
    until("the request is held", || server.publisher.held() == 1).await;
    // The first finds what the second was given when it next looks.
    let body = archive("quickstart", 2).encode();
    let pushed = server.client.put(&url).body(body).send().await.unwrap();
    assert_eq!(pushed.status(), StatusCode::CREATED);
    assert_eq!(poll.await.unwrap().status(), StatusCode::OK);
    let late = server.put("quickstart", archive("quickstart", 2).encode()).await;
    assert_eq!(problem(late).await.0, 409);
    stop.send(()).unwrap();
    task.await.unwrap().unwrap();
    server.stop().await;
}
