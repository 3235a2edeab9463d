use super::*;
use axum::{body::Body, http};
use http_body_util::BodyExt;
use hyper::client::conn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

fn request(uri: &str) -> http::request::Builder {
    http::Request::builder().method("PUT").uri(uri).header("x-a", "1").header("x-a", "2")
}

async fn json(response: http::Response<hyper::body::Incoming>) -> Value {
    assert_eq!(response.status(), 200);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&body).unwrap()
}

async fn connect(upstream: &Upstream) -> TokioIo<TcpStream> {
    TokioIo::new(TcpStream::connect(upstream.address()).await.unwrap())
}

#[tokio::test]
async fn answers_with_what_reached_it_over_http_1() {
    let upstream = Upstream::start().unwrap();
    let (mut sender, connection) = conn::http1::handshake(connect(&upstream).await).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = request("/a%20b?q=1").header("host", "api.example.com").body(Body::empty());
    let seen = json(sender.send_request(request.unwrap()).await.unwrap()).await;
    assert_eq!(seen["method"], "PUT");
    assert_eq!(seen["path"], "/a%20b?q=1");
    assert_eq!(seen["headers"]["x-a"], json!(["1", "2"]));
    assert_eq!(seen["headers"]["host"], json!(["api.example.com"]));
    assert_eq!(upstream.requests(), 1);

    let address = upstream.address();
    drop(upstream);
    assert!(TcpStream::connect(address).await.is_err(), "it stopped, with a connection open");
    drop(connection.await);
}

#[tokio::test]
async fn answers_over_http_2_without_tls() {
    let upstream = Upstream::start().unwrap();
    let (mut sender, connection) =
        conn::http2::handshake(TokioExecutor::new(), connect(&upstream).await).await.unwrap();
    tokio::spawn(connection);
    for _ in 0..2 {
        let request = request("http://api.example.com/x").body(Body::empty());
        let seen = json(sender.send_request(request.unwrap()).await.unwrap()).await;
        assert_eq!(seen["path"], "/x");
        assert_eq!(seen["headers"]["host"], json!(["api.example.com"]));
    }
    assert_eq!(upstream.requests(), 2);
}

#[tokio::test]
async fn serves_what_a_test_wants() {
    let router = Router::new().fallback(async || (http::StatusCode::BAD_GATEWAY, "no"));
    let upstream = Upstream::serve(router).unwrap();
    let (mut sender, connection) = conn::http1::handshake(connect(&upstream).await).await.unwrap();
    tokio::spawn(connection);
    let response = sender.send_request(request("/").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), 502);
    assert_eq!(upstream.requests(), 1);
}
