//! Requests that are held until there is something new.

use std::time::{Duration, Instant};

use reqwest::StatusCode;

use crate::common::{Server, archive, problem, until};

#[tokio::test]
async fn a_push_wakes_all_who_wait_for_it() {
    let server = Server::start().await;
    let etag = server.push(&archive("quickstart", 1)).await;
    let polls: Vec<_> = (0..20).map(|_| server.poll("quickstart", &etag, 60)).collect();
    until("20 requests are held", || server.publisher.held() == 20).await;

    let pushed = archive("quickstart", 2);
    let began = Instant::now();
    let etag = server.push(&pushed).await;
    for poll in polls {
        let response = poll.await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["etag"], etag);
        assert_eq!(response.headers()["preference-applied"], "wait=60");
        assert_eq!(response.bytes().await.unwrap(), pushed.envelope.encode());
    }
    let took = began.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?} from the push to the last answer");
    assert_eq!(server.publisher.held(), 0);
}

#[tokio::test]
async fn waiting_has_an_end() {
    let server = Server::start().await;
    let etag = server.push(&archive("quickstart", 1)).await;
    let began = Instant::now();
    let poll = server.poll("quickstart", &etag, 1);
    until("the request is held", || server.publisher.held() == 1).await;
    // What is pushed under another name is of no interest.
    server.push(&archive("other", 1)).await;
    let response = poll.await.unwrap();
    assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(response.headers()["etag"], etag);
    assert_eq!(response.headers()["preference-applied"], "wait=1");
    assert!(began.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_client_that_is_behind_does_not_wait() {
    let server = Server::start().await;
    let old = server.push(&archive("quickstart", 1)).await;
    server.push(&archive("quickstart", 2)).await;
    let began = Instant::now();
    assert_eq!(server.poll("quickstart", &old, 60).await.unwrap().status(), StatusCode::OK);
    let unknown = server.poll("unheard-of", &old, 60).await.unwrap();
    assert_eq!(problem(unknown).await.0, 404);
    // With nothing in hand there is nothing to wait for.
    let first = server.get("/v1/bundles/quickstart/manifest").header("prefer", "wait=60");
    assert_eq!(first.send().await.unwrap().status(), StatusCode::OK);
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn a_client_that_goes_away_is_forgotten() {
    let server = Server::start().await;
    let etag = server.push(&archive("quickstart", 1)).await;
    let poll = server.poll("quickstart", &etag, 60);
    until("the request is held", || server.publisher.held() == 1).await;
    poll.abort();
    until("the request is given up", || server.publisher.held() == 0).await;
}
