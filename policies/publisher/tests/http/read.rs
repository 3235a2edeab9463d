//! What readers are answered.

use reqwest::{Method, StatusCode};

use crate::common::{Server, archive, problem};

#[tokio::test]
async fn what_is_not_there_is_a_problem() {
    let server = Server::start().await;
    server.push(&archive("quickstart", 1)).await;
    let zeros = "0".repeat(64);
    for (path, detail) in [
        ("/v1/bundles/other/manifest", "no bundle `other` was ever pushed"),
        ("/v1/bundles/%FF/manifest", "there is nothing at this path"),
        (&format!("/v1/segments/{zeros}"), "there is no segment of this digest"),
        ("/v1/segments/abc", "there is no segment of this digest"),
        ("/v1/segments/..%2f..%2fetc%2fpasswd", "there is no segment of this digest"),
        ("/v1/bundles", "there is nothing at this path"),
        ("/", "there is nothing at this path"),
    ] {
        let response = server.get(path).send().await.unwrap();
        assert_eq!(problem(response).await, (404, detail.to_owned()), "{path}");
    }
    for (method, path) in [
        (Method::GET, "/v1/bundles/quickstart"),
        (Method::DELETE, "/v1/bundles/quickstart"),
        (Method::POST, "/v1/bundles/quickstart/manifest"),
    ] {
        let response = server.client.request(method, server.url(path)).send().await.unwrap();
        assert_eq!(problem(response).await.0, 405);
    }
}

#[tokio::test]
async fn what_the_client_has_is_not_sent_again() {
    let server = Server::start().await;
    let old = server.push(&archive("quickstart", 1)).await;
    let new = server.push(&archive("quickstart", 2)).await;
    let get = |etag: &str| {
        let request = server.get("/v1/bundles/quickstart/manifest").header("if-none-match", etag);
        async { request.send().await.unwrap() }
    };
    let response = get(&new).await;
    assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(response.headers()["etag"], new);
    assert_eq!(response.headers()["cache-control"], "no-cache");
    assert!(response.bytes().await.unwrap().is_empty());
    for other in [&old, "\"3-0123456789abcdef\"", "garbage"] {
        let response = get(other).await;
        assert_eq!(
            (response.status(), &response.headers()["etag"]),
            (StatusCode::OK, &new.parse().unwrap())
        );
    }
}

#[tokio::test]
async fn health_is_answered() {
    let server = Server::start().await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(server.get(path).send().await.unwrap().status(), StatusCode::OK);
    }
}
