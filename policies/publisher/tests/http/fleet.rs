//! What proxies say of themselves, and who is told.

use reqwest::StatusCode;
use serde_json::Value;

use crate::common::{Server, archive, now, problem, until};

impl Server {
    /// Asks for the manifest as a proxy does, without waiting.
    pub async fn report(&self, etag: &str, headers: &[(&str, &str)]) -> StatusCode {
        let mut request = self.get("/v1/bundles/quickstart/manifest").header("if-none-match", etag);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap().status()
    }

    pub async fn fleet(&self) -> Value {
        let response = self.get("/v1/fleet/quickstart").send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["cache-control"], "no-store");
        response.json().await.unwrap()
    }
}

/// The nodes of a view with their states.
pub fn states(view: &Value) -> Vec<(String, String)> {
    let proxies = view["proxies"].as_array().unwrap().iter();
    let text = |proxy: &Value, name: &str| proxy[name].as_str().unwrap().to_owned();
    proxies.map(|proxy| (text(proxy, "node"), text(proxy, "state"))).collect()
}

#[tokio::test]
async fn the_fleet_is_what_the_proxies_say() {
    let server = Server::start().await;
    let old = server.push(&archive("quickstart", 1)).await;
    let new = server.push(&archive("quickstart", 2)).await;
    let current = [
        ("x-cedarkey-node", "edge%201"),
        ("x-cedarkey-filter", "0.1.0"),
        ("x-cedarkey-active", "2;since=1767225600"),
    ];
    assert_eq!(server.report(&new, &current).await, StatusCode::NOT_MODIFIED);
    let behind = [("x-cedarkey-node", "edge-2"), ("x-cedarkey-active", "1;since=1767225600")];
    assert_eq!(server.report(&old, &behind).await, StatusCode::OK);
    let failing = [
        ("x-cedarkey-node", "edge-3"),
        ("x-cedarkey-active", "2;since=1767225600"),
        ("x-cedarkey-error", "unknown_signer"),
    ];
    server.report(&new, &failing).await;
    server.report("\"0-0\"", &[("x-cedarkey-node", "edge-4")]).await;
    // What makes no sense does not fail the request.
    let nonsense = [("x-cedarkey-node", "%FF"), ("x-cedarkey-active", "x")];
    assert_eq!(server.report(&new, &nonsense).await, StatusCode::NOT_MODIFIED);

    let view = server.fleet().await;
    let expected =
        [("edge 1", "current"), ("edge-2", "behind"), ("edge-3", "failing"), ("edge-4", "empty")];
    assert_eq!(states(&view), expected.map(|(node, state)| (node.to_owned(), state.to_owned())));
    assert_eq!(view["name"], "quickstart");
    assert_eq!(view["newest"]["version"], 2);
    assert!(view["newest"]["expires"].as_i64().unwrap() > now());
    assert_eq!(view["partial"], false);
    let first = &view["proxies"][0];
    assert_eq!((&first["filter"], &first["version"]), (&"0.1.0".into(), &2.into()));
    assert_eq!(first["since"], 1_767_225_600);
    assert!((now() - first["seen"].as_i64().unwrap()).abs() < 60);
    assert_eq!(first["behind"], Value::Null);
    assert!(view["proxies"][1]["behind"].as_i64().unwrap() < 60);
    assert_eq!(view["proxies"][2]["error"], "unknown_signer");

    // A later report replaces an earlier one.
    let caught_up = [("x-cedarkey-node", "edge-2"), ("x-cedarkey-active", "2;since=1767225660")];
    server.report(&new, &caught_up).await;
    assert_eq!(states(&server.fleet().await)[1], ("edge-2".into(), "current".into()));
}

#[tokio::test]
async fn the_fleet_is_known_after_a_restart() {
    let server = Server::start().await;
    let etag = server.push(&archive("quickstart", 1)).await;
    let report = [("x-cedarkey-node", "edge-1"), ("x-cedarkey-active", "1;since=1767225600")];
    server.report(&etag, &report).await;
    let server = Server::start_in(server.stop().await).await;
    assert_eq!(states(&server.fleet().await), [("edge-1".into(), "current".into())]);
}

#[tokio::test]
async fn there_is_no_fleet_of_a_bundle_that_is_not_there() {
    let server = Server::start().await;
    let poll = server.report("\"0-0\"", &[("x-cedarkey-node", "edge-1")]).await;
    assert_eq!(poll, StatusCode::NOT_FOUND);
    let response = server.get("/v1/fleet/quickstart").send().await.unwrap();
    assert_eq!(problem(response).await.0, 404);
    server.push(&archive("quickstart", 1)).await;
    assert_eq!(states(&server.fleet().await), []);
}

#[tokio::test]
async fn a_proxy_that_waits_is_seen() {
    let server = Server::start().await;
    let etag = server.push(&archive("quickstart", 1)).await;
    let request = server.get("/v1/bundles/quickstart/manifest").header("if-none-match", &etag);
    let request = request.header("prefer", "wait=60").header("x-cedarkey-node", "edge-1");
    let poll = tokio::spawn(request.send());
    until("the request is held", || server.publisher.held() == 1).await;
    assert_eq!(states(&server.fleet().await), [("edge-1".into(), "empty".into())]);
    poll.abort();
}
