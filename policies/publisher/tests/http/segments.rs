//! Pushes of which only what is missing is uploaded.

use std::collections::BTreeSet;

use cedarkey_bundle::{Archive, Digest, Draft, SegmentKind};
use reqwest::{Response, StatusCode};
use serde_json::Value;

use crate::common::{KEEP, MAX_ARCHIVE, Server, archive, draft, problem, signer};

impl Server {
    async fn post_missing(&self, archive: &Archive) -> Response {
        let path = format!("/v1/bundles/{}/missing", archive.envelope.manifest().name);
        self.client.post(self.url(&path)).body(archive.envelope.encode()).send().await.unwrap()
    }

    /// The digests that an announcement is answered with.
    async fn missing(&self, archive: &Archive) -> BTreeSet<String> {
        let response = self.post_missing(archive).await;
        assert_eq!(response.status(), StatusCode::OK);
        let answer: Value = response.json().await.unwrap();
        let digests = answer["missing"].as_array().unwrap().iter();
        digests.map(|digest| digest.as_str().unwrap().to_owned()).collect()
    }

    async fn put_segment(&self, digest: &str, content: &[u8]) -> Response {
        let url = self.url(&format!("/v1/segments/{digest}"));
        self.client.put(url).body(content.to_vec()).send().await.unwrap()
    }

    async fn put_manifest(&self, archive: &Archive) -> Response {
        let path = format!("/v1/bundles/{}/manifest", archive.envelope.manifest().name);
        self.client.put(self.url(&path)).body(archive.envelope.encode()).send().await.unwrap()
    }

    async fn has(&self, content: &[u8]) -> bool {
        let path = format!("/v1/segments/{}", Digest::of(content));
        self.get(&path).send().await.unwrap().status() == StatusCode::OK
    }
}

/// The digests of these segments of an archive.
fn digests(archive: &Archive, which: &[usize]) -> BTreeSet<String> {
    which.iter().map(|at| Digest::of(&archive.segments[*at]).to_string()).collect()
}

#[tokio::test]
async fn only_what_is_missing_is_uploaded() {
    let server = Server::start().await;
    let first = archive("quickstart", 1);
    assert_eq!(server.missing(&first).await, digests(&first, &[0, 1]));
    for content in &first.segments {
        let digest = Digest::of(content).to_string();
        // A second time does no harm: an answer may have been lost.
        for _ in 0..2 {
            let status = server.put_segment(&digest, content).await.status();
            assert_eq!(status, StatusCode::NO_CONTENT);
        }
    }
    assert!(server.missing(&first).await.is_empty());
    let response = server.put_manifest(&first).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    let etag = response.headers()["etag"].clone();
    let response = server.get("/v1/bundles/quickstart/manifest").send().await.unwrap();
    assert_eq!(response.headers()["etag"], etag);
    assert_eq!(response.bytes().await.unwrap(), first.envelope.encode());

    let second = archive("quickstart", 2);
    assert_eq!(server.missing(&second).await, digests(&second, &[1]));
    // What another bundle has is there for this one too.
    assert_eq!(server.missing(&archive("other", 1)).await, BTreeSet::new());
}

#[tokio::test]
async fn a_manifest_without_its_segments_is_refused() {
    let server = Server::start().await;
    let pushed = archive("quickstart", 1);
    let first = Digest::of(&pushed.segments[0]).to_string();
    server.missing(&pushed).await;
    server.put_segment(&first, &pushed.segments[0]).await;
    let (status, detail) = problem(server.put_manifest(&pushed).await).await;
    let second = Digest::of(&pushed.segments[1]);
    let expected = format!("1 of the bundle's segments were not uploaded, among them {second}");
    assert_eq!((status, detail), (422, expected));
    let response = server.get("/v1/bundles/quickstart/manifest").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_segment_is_taken_only_if_it_was_announced_and_is_the_one() {
    let server = Server::start().await;
    let pushed = archive("quickstart", 1);
    let content = &pushed.segments[0];
    let digest = Digest::of(content).to_string();
    let refused =
        async |content: Vec<u8>| problem(server.put_segment(&digest, &content).await).await;
    let unheard = "no bundle that names this segment was announced here within the last hour";
    assert_eq!(refused(content.clone()).await, (403, unheard.to_owned()));

    server.missing(&pushed).await;
    let limit =
        format!("the body is larger than {} bytes, the most that is accepted here", content.len());
    assert_eq!(refused([content.as_slice(), b"!"].concat()).await, (413, limit));
    let short =
        format!("the body is {} bytes long instead of {}", content.len() - 1, content.len());
    assert_eq!(refused(content[1..].to_vec()).await, (400, short));
    let other = vec![7; content.len()];
    let expected = format!("the body has the digest {}", Digest::of(&other));
    assert_eq!(refused(other).await, (400, expected));
    assert!(!server.has(content).await);
}

#[tokio::test]
async fn an_announcement_is_judged_as_the_push_will_be() {
    let server = Server::start().await;
    let stranger = draft("quickstart", 1).sign(&[&signer(9)]).unwrap();
    let (status, detail) = problem(server.post_missing(&stranger).await).await;
    assert_eq!(
        (status, &*detail),
        (403, "the bundle is not accepted: it is signed by no trusted key")
    );
    assert_eq!(problem(server.put_manifest(&stranger).await).await.0, 403);

    server.push(&archive("quickstart", 2)).await;
    for version in [1, 2] {
        let (status, detail) =
            problem(server.post_missing(&archive("quickstart", version)).await).await;
        assert_eq!(status, 409);
        assert!(detail.contains("is not above 2, the one in force"), "{detail}");
    }

    let half = vec![7; MAX_ARCHIVE / 2 + 1];
    let segments = vec![(SegmentKind::Model, half.clone()), (SegmentKind::Routes, half)];
    let large = Draft { segments, ..draft("quickstart", 3) }.sign(&[&signer(1)]).unwrap();
    let (status, detail) = problem(server.post_missing(&large).await).await;
    assert_eq!(status, 413);
    assert!(detail.starts_with("the bundle's segments are more than 65536 bytes"), "{detail}");

    let url = server.url("/v1/bundles/quickstart/missing");
    let longer = [archive("quickstart", 3).envelope.encode(), b"!".to_vec()].concat();
    let response = server.client.post(&url).body(longer).send().await.unwrap();
    assert_eq!(problem(response).await.0, 400);
    let endless = vec![0; 2 << 20];
    let response = server.client.post(&url).body(endless).send().await.unwrap();
    assert_eq!(problem(response).await.0, 413);
}

#[tokio::test]
async fn a_key_may_be_for_one_bundle_alone() {
    let server = Server::start().await;
    // `common::options` accepts key 2 for `shop` alone.
    let by_second = |name: &str| draft(name, 1).sign(&[&signer(2)]).unwrap();
    server.push(&by_second("shop")).await;
    for name in ["quickstart", "shopping"] {
        let other = by_second(name);
        assert_eq!(problem(server.put(name, other.encode()).await).await.0, 403);
        assert_eq!(problem(server.post_missing(&other).await).await.0, 403);
    }
    // Its bundle under another's name.
    assert_eq!(problem(server.put("quickstart", by_second("shop").encode()).await).await.0, 403);
    // A key for all is for this one too.
    server.push(&archive("shop", 2)).await;
}

#[tokio::test]
async fn what_is_no_longer_kept_is_collected() {
    let server = Server::start().await;
    let pushed: Vec<_> = (1..=5).map(|version| archive("quickstart", version)).collect();
    for archive in &pushed {
        server.push(archive).await;
    }
    let mut there = Vec::new();
    for archive in &pushed {
        there.push(server.has(&archive.segments[1]).await);
    }
    assert_eq!(KEEP.get(), 3);
    assert_eq!(there, [false, false, true, true, true]);
    // What the old ones shared with the new ones.
    assert!(server.has(&pushed[0].segments[0]).await);

    // Pushes of another name leave them alone, and what is announced stays.
    let announced = archive("quickstart", 9);
    server.missing(&announced).await;
    let digest = Digest::of(&announced.segments[1]).to_string();
    server.put_segment(&digest, &announced.segments[1]).await;
    server.push(&archive("other", 1)).await;
    assert!(server.has(&announced.segments[1]).await);
    assert!(server.has(&pushed[2].segments[1]).await);
    assert_eq!(server.put_manifest(&announced).await.status(), StatusCode::CREATED);
    assert!(!server.has(&pushed[2].segments[1]).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_manifests_that_race_one_wins() {
    let server = Server::start().await;
    let contenders: Vec<_> = (0..8)
        .map(|number| {
            let segments = vec![(SegmentKind::Model, vec![number; 1000])];
            Draft { segments, ..draft("quickstart", 2) }.sign(&[&signer(1)]).unwrap()
        })
        .collect();
    for contender in &contenders {
        let digest = server.missing(contender).await.pop_first().unwrap();
        server.put_segment(&digest, &contender.segments[0]).await;
    }
    let answers = contenders.iter().map(|contender| server.put_manifest(contender));
    let answers = futures_util::future::join_all(answers).await;
    let mut winners = Vec::new();
    for (answer, contender) in answers.into_iter().zip(&contenders) {
        match answer.status() {
            StatusCode::CREATED => winners.push(contender.envelope.encode()),
            _ => assert_eq!(problem(answer).await.0, 409),
        }
    }
    assert_eq!(winners.len(), 1);
    let response = server.get("/v1/bundles/quickstart/manifest").send().await.unwrap();
    assert_eq!(response.bytes().await.unwrap(), winners[0]);
}
