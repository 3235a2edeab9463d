//! What is accepted and what is not.

use std::time::Duration;

use cedarkey_bundle::{Digest, Draft, SegmentKind};
use reqwest::{Body, StatusCode};

use crate::common::{MAX_ARCHIVE, Server, archive, draft, now, problem, signer};

#[tokio::test]
async fn what_is_pushed_can_be_read() {
    let server = Server::start().await;
    let pushed = archive("quickstart", 3);
    let response = server.put("quickstart", pushed.encode()).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    let etag = response.headers()["etag"].clone();
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let receipt: serde_json::Value = response.json().await.unwrap();
    assert_eq!(receipt, serde_json::json!({"name": "quickstart", "version": 3}));

    let envelope = pushed.envelope.encode();
    let response = server.get(&location).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["etag"], etag);
    let digest = Digest::of(&envelope).to_string();
    assert_eq!(etag, format!("\"3-{digest:.16}\""));
    assert_eq!(response.bytes().await.unwrap(), envelope);

    for (segment, content) in pushed.envelope.manifest().segments.iter().zip(&pushed.segments) {
        let path = format!("/v1/segments/{}", segment.digest);
        let response = server.get(&path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let caching = &response.headers()["cache-control"];
        assert_eq!(caching, "public, max-age=31536000, immutable");
        assert_eq!(response.bytes().await.unwrap(), content);
    }
}

#[tokio::test]
async fn what_is_no_archive_is_refused() {
    let server = Server::start().await;
    let good = archive("quickstart", 1).encode();
    let mut newer = good.clone();
    newer[8] = 2;
    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let cases: [(&[u8], &str); 6] = [
        (b"", "the envelope is cut short: 8 bytes were to come and 0 are left"),
        (b"<html>", "the envelope does not start with the label of one"),
        (&good[..good.len() - 1], "segment 1 is cut short: 8 bytes were to come and 7 are left"),
        (&[good.as_slice(), b"!"].concat(), "bytes are left over after the end of the archive: 1"),
        (&newer, "the envelope is of format 2, and this version of cedarkey reads format 1"),
        (&flipped, "segment 1 has the digest "),
    ];
    for (body, detail) in cases {
        let (status, found) = problem(server.put("quickstart", body.to_vec()).await).await;
        assert_eq!(status, 400);
        let expected = format!("the body is not what it should be: {detail}");
        assert!(found.starts_with(&expected), "{found}");
    }
    let response = server.get("/v1/bundles/quickstart/manifest").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn only_a_trusted_key_may_push() {
    let server = Server::start().await;
    let stranger = draft("quickstart", 1).sign(&[&signer(9)]).unwrap().encode();
    let expected = "the bundle is not accepted: it is signed by no trusted key".to_owned();
    assert_eq!(problem(server.put("quickstart", stranger).await).await, (403, expected));

    let mut forged = archive("quickstart", 1);
    let mut bytes = forged.envelope.encode();
    *bytes.last_mut().unwrap() ^= 1;
    (forged.envelope, _) = cedarkey_bundle::Envelope::decode(&bytes).unwrap();
    let expected = "the bundle is not accepted: the signature does not match the manifest";
    let found = problem(server.put("quickstart", forged.encode()).await).await;
    assert_eq!(found, (403, expected.to_owned()));

    // One trusted key among several is enough.
    let both = draft("quickstart", 1).sign(&[&signer(9), &signer(1)]).unwrap();
    server.push(&both).await;
}

#[tokio::test]
async fn a_version_only_grows() {
    let server = Server::start().await;
    server.push(&archive("quickstart", 5)).await;
    for version in [0, 4, 5] {
        let (status, detail) =
            problem(server.put("quickstart", archive("quickstart", version).encode()).await).await;
        assert_eq!(status, 409);
        let expected = format!(
            "the bundle is not accepted: version {version} is not above 5, the one in force"
        );
        assert_eq!(detail, expected);
    }
    server.push(&archive("quickstart", 6)).await;
    // Another name has versions of its own.
    server.push(&archive("other", 1)).await;

    let endless = archive("quickstart", u64::MAX).encode();
    assert_eq!(problem(server.put("quickstart", endless).await).await.0, 422);
}

#[tokio::test]
async fn a_bundle_of_another_name_or_of_the_past_is_refused() {
    let server = Server::start().await;
    let found = problem(server.put("quickstart", archive("other", 1).encode()).await).await;
    let expected = "the bundle is not accepted: its name is `other` instead of `quickstart`";
    assert_eq!(found, (422, expected.to_owned()));

    let expired = Draft { created: now() - 60, expires: now() - 30, ..draft("quickstart", 1) };
    let expired = expired.sign(&[&signer(1)]).unwrap();
    let (status, detail) = problem(server.put("quickstart", expired.encode()).await).await;
    assert_eq!(status, 422);
    assert!(detail.starts_with("the bundle is not accepted: it expired "), "{detail}");
}

#[tokio::test]
async fn an_archive_that_is_too_large_is_refused() {
    let server = Server::start().await;
    let content = vec![7; MAX_ARCHIVE];
    let large = Draft { segments: vec![(SegmentKind::Model, content)], ..draft("quickstart", 1) };
    let large = large.sign(&[&signer(1)]).unwrap().encode();
    let limit = "the body is larger than 65536 bytes, the most that is accepted here";
    let found = problem(server.put("quickstart", large.clone()).await).await;
    assert_eq!(found, (413, limit.to_owned()));

    // Without an announced length, and much larger.
    let endless = std::iter::repeat_n(large, 8).map(Ok::<_, std::io::Error>);
    let body = Body::wrap_stream(futures_util::stream::iter(endless));
    assert_eq!(problem(server.put("quickstart", body).await).await, (413, limit.to_owned()));

    // The largest that is accepted.
    let mut fitting = draft("quickstart", 1);
    let rest = fitting.clone().sign(&[&signer(1)]).unwrap().encode().len();
    let content = &mut fitting.segments[0].1;
    // The length field of a larger segment takes two bytes more.
    content.resize(MAX_ARCHIVE - rest + content.len() - 2, 7);
    let fitting = fitting.sign(&[&signer(1)]).unwrap();
    assert_eq!(fitting.encode().len(), MAX_ARCHIVE);
    server.push(&fitting).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_pushes_that_race_one_wins() {
    let server = Server::start().await;
    server.push(&archive("quickstart", 1)).await;
    let contenders: Vec<_> = (0..8)
        .map(|number| {
            let segments = vec![(SegmentKind::Model, vec![number; 1000])];
            Draft { segments, ..draft("quickstart", 2) }.sign(&[&signer(1)]).unwrap()
        })
        .collect();
    let url = server.url("/v1/bundles/quickstart");
    let pushes: Vec<_> = contenders
        .iter()
        .map(|contender| server.client.put(&url).body(contender.encode()).send())
        .map(tokio::spawn)
        .collect();
    let mut winners = Vec::new();
    for (push, contender) in pushes.into_iter().zip(&contenders) {
        match push.await.unwrap().unwrap().status() {
            StatusCode::CREATED => winners.push(contender.envelope.encode()),
            status => assert_eq!(status, StatusCode::CONFLICT),
        }
    }
    assert_eq!(winners.len(), 1);
    let response = server.get("/v1/bundles/quickstart/manifest").send().await.unwrap();
    assert_eq!(response.bytes().await.unwrap(), winners[0]);
}

#[tokio::test]
async fn a_segment_that_two_bundles_share_is_stored_once() {
    let server = Server::start().await;
    server.push(&archive("quickstart", 1)).await;
    server.push(&archive("quickstart", 2)).await;
    server.push(&archive("other", 2)).await;
    let segments = server.stop().await.count_segments().await;
    // The model that all have in common, and the revocations of versions 1 and 2.
    assert_eq!(segments, 3);
}

#[tokio::test]
async fn a_client_that_breaks_off_leaves_nothing_behind() {
    let server = Server::start().await;
    let bytes = archive("quickstart", 1).encode();
    let broken = [Ok(bytes), Err(std::io::Error::other("the client broke off"))];
    let body = Body::wrap_stream(futures_util::stream::iter(broken));
    let request = server.client.put(server.url("/v1/bundles/quickstart")).body(body);
    request.timeout(Duration::from_secs(20)).send().await.unwrap_err();
    let response = server.get("/v1/bundles/quickstart/manifest").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
}
