//! Clients that mean no good, or are very slow.

use std::time::Duration;

use cedarkey_publisher::Options;
use reqwest::StatusCode;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::backend::Place;
use crate::common::{Server, archive, options, problem};

/// Long after every client that is too slow was given up.
const LIMIT: Duration = Duration::from_secs(20);

async fn impatient() -> Server {
    let place = Place::new();
    let options = Options { patience: Duration::from_millis(400), ..options(place.database()) };
    Server::start_with(place, options).await
}

/// What is answered to one who sends this and then a byte now and then, which is never long enough
/// ago to be a pause.
async fn drip(server: &Server, head: &str) -> String {
    let (mut read, mut write) = TcpStream::connect(server.address).await.unwrap().into_split();
    write.write_all(head.as_bytes()).await.unwrap();
    let dripping = tokio::spawn(async move {
        // Until the connection is gone.
        while write.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let mut answer = Vec::new();
    // It may end by a reset.
    let _ = timeout(LIMIT, read.read_to_end(&mut answer)).await.expect("it is never given up");
    dripping.abort();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_body_that_drips_is_given_up() {
    let server = impatient().await;
    for path in ["/v1/bundles/quickstart", "/v1/bundles/quickstart/manifest"] {
        let answer = drip(
            &server,
            &format!("PUT {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 50000\r\n\r\ncedarkey\x01"),
        )
        .await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(answer.contains("urn:cedarkey:publisher:slow_body"), "{answer}");
    }
    let metrics = server.get("/metrics").send().await.unwrap().text().await.unwrap();
    let counted = "cedarkey_publisher_problems_total{cause=\"slow_body\"} 2\n";
    assert!(metrics.contains(counted), "{metrics}");
}

#[tokio::test]
async fn a_head_that_drips_is_given_up() {
    let server = impatient().await;
    let answer = drip(&server, "GET /healthz HTTP/1.1\r\nhost: x\r\nx-drip: ").await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

/// A connection on which one request was answered, and which stays.
async fn seated(server: &Server) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = vec![0; 4096];
    let length = stream.read(&mut answer).await.unwrap();
    answer.truncate(length);
    (stream, String::from_utf8(answer).unwrap())
}

#[tokio::test]
async fn who_comes_when_all_seats_are_taken_is_told() {
    let place = Place::new();
    let options = Options { max_connections: 2, ..options(place.database()) };
    let server = Server::start_with(place, options).await;
    let (first, answer) = seated(&server).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let (_second, _) = seated(&server).await;

    let (mut third, answer) = seated(&server).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("urn:cedarkey:publisher:too_many_connections"), "{answer}");
    assert!(answer.contains("retry-after: 1\r\n"), "{answer}");
    // It does not stay.
    assert_eq!(timeout(LIMIT, third.read(&mut [0; 64])).await.unwrap().unwrap(), 0);

    // Those who only stand there are let be; one more is not even told.
    let mut standing = Vec::new();
    let mut turned_away = loop {
        let mut next = TcpStream::connect(server.address).await.unwrap();
        match timeout(Duration::from_millis(100), next.read(&mut [0; 64])).await {
            Err(_) => standing.push(next),
            Ok(ended) => break ended,
        }
        assert!(standing.len() < 1000, "nobody is turned away");
    };
    assert_eq!(*turned_away.as_mut().unwrap(), 0);

    drop((first, standing));
    let metrics = loop {
        let response = server.get("/metrics").send().await;
        match response {
            Ok(response) if response.status() == StatusCode::OK => break response.text().await,
            _ => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    };
    let metrics = metrics.unwrap();
    for line in
        ["cedarkey_publisher_connections 2\n", "cedarkey_publisher_connections_refused_total 1\n"]
    {
        assert!(metrics.contains(line), "no `{line}` in {metrics}");
    }
    assert!(metrics.contains("problems_total{cause=\"too_many_connections\"}"), "{metrics}");
}

/// Whoever can read can get a signed manifest, and send it back with anything behind it.
#[tokio::test]
async fn what_everybody_can_read_opens_no_door() {
    let server = Server::start().await;
    let pushed = archive("quickstart", 4);
    server.push(&pushed).await;
    let (mut read, mut write) = TcpStream::connect(server.address).await.unwrap().into_split();
    let head = "PUT /v1/bundles/quickstart HTTP/1.1\r\nhost: x\r\ncontent-length: 60000\r\n\r\n";
    write.write_all(head.as_bytes()).await.unwrap();
    write.write_all(&pushed.envelope.encode()).await.unwrap();
    write.write_all(&[7; 5000]).await.unwrap();
    // The rest does not come; what there is to say is known, and said when it ends.
    drop(write);
    let mut answer = Vec::new();
    timeout(LIMIT, read.read_to_end(&mut answer)).await.unwrap().unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 409 "), "{answer}");
    assert!(answer.contains("urn:cedarkey:publisher:old_version"), "{answer}");

    // Nor does a segment that is there, while it is announced or otherwise.
    let segment = format!("/v1/segments/{}", pushed.envelope.manifest().segments[0].digest);
    let put = async || server.client.put(server.url(&segment)).body("anything").send().await;
    assert_eq!(problem(put().await.unwrap()).await, (403, not_announced()));
    let next = archive("quickstart", 5).envelope.encode();
    let missing = server.url("/v1/bundles/quickstart/missing");
    let announced = server.client.post(missing).body(next).send().await.unwrap();
    assert_eq!(announced.status(), StatusCode::OK);
    assert_eq!(put().await.unwrap().status(), StatusCode::NO_CONTENT);
    let kept = server.get(&segment).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(kept, pushed.segments[0]);
}

fn not_announced() -> String {
    "no bundle that names this segment was announced here within the last hour".into()
}
