//! The versions that are kept, and pushes that depend on the one in force.

use reqwest::{Response, StatusCode};
use serde_json::Value;

use crate::common::{Server, archive, now, problem};

#[tokio::test]
async fn the_versions_that_are_kept_can_be_read() {
    let server = Server::start().await;
    for version in [1, 2, 5, 9] {
        server.push(&archive("quickstart", version)).await;
    }
    let response = server.get("/v1/bundles/quickstart/versions").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["cache-control"], "no-cache");
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["name"], "quickstart");
    let listed = answer["versions"].as_array().unwrap();
    let versions: Vec<_> = listed.iter().map(|entry| entry["version"].as_u64().unwrap()).collect();
    assert_eq!(versions, [9, 5, 2]);
    assert!(listed.iter().all(|entry| (now() - entry["pushed"].as_i64().unwrap()).abs() < 60));

    let kept = archive("quickstart", 5);
    let response = server.get("/v1/bundles/quickstart/versions/5").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["cache-control"], "public, max-age=31536000, immutable");
    assert_eq!(response.headers()["content-type"], cedarkey_bundle::ENVELOPE_MEDIA_TYPE);
    let found = response.bytes().await.unwrap();
    let found = cedarkey_bundle::Envelope::decode_whole(&found).unwrap();
    assert_eq!(found.manifest().segments, kept.envelope.manifest().segments);

    for version in ["1", "3", "18446744073709551615", "-1", "x"] {
        let path = format!("/v1/bundles/quickstart/versions/{version}");
        let (status, detail) = problem(server.get(&path).send().await.unwrap()).await;
        let expected =
            format!("there is no version {version} of the bundle `quickstart`, or not any more");
        assert_eq!((status, detail), (404, expected));
    }
    let response = server.get("/v1/bundles/other/versions").send().await.unwrap();
    assert_eq!(problem(response).await.0, 404);
}

#[tokio::test]
async fn a_push_may_depend_on_what_is_in_force() {
    let server = Server::start().await;
    let push = async |version, etag: &str| -> Response {
        let url = server.url("/v1/bundles/quickstart");
        let body = archive("quickstart", version).encode();
        server.client.put(url).header("if-match", etag).body(body).send().await.unwrap()
    };
    // Nothing is in force.
    assert_eq!(problem(push(1, "*").await).await.0, 412);
    let first = server.push(&archive("quickstart", 1)).await;
    let second = server.push(&archive("quickstart", 2)).await;
    let expected = "another version is in force than the request names".to_owned();
    assert_eq!(problem(push(3, &first).await).await, (412, expected));
    assert_eq!(push(3, &format!("{first}, {second}")).await.status(), StatusCode::CREATED);
    assert_eq!(push(4, "*").await.status(), StatusCode::CREATED);
    // What is too old is so under any condition.
    assert_eq!(problem(push(4, "*").await).await.0, 409);
}
