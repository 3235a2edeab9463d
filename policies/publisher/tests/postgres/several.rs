//! Several publishers over one PostgreSQL.

use std::{
    sync::PoisonError,
    time::{Duration, Instant},
};

use cedarkey_bundle::{Digest, Draft, SegmentKind};
use reqwest::StatusCode;

use crate::backend::Place;
use crate::common::{Server, archive, draft, problem, signer, until};
use crate::findings::{self, Github};
use crate::fleet::states;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_to_one_wakes_those_who_wait_at_the_others() {
    let first = Server::start().await;
    let second = Server::start_in(first.place.clone()).await;
    let etag = first.push(&archive("quickstart", 1)).await;
    let polls: Vec<_> = (0..20).map(|_| second.poll("quickstart", &etag, 60)).collect();
    until("20 requests are held", || second.publisher.held() == 20).await;

    let began = Instant::now();
    let etag = first.push(&archive("quickstart", 2)).await;
    for poll in polls {
        let response = poll.await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["etag"], etag);
    }
    let took = began.elapsed();
    // Less than it takes to find out by looking.
    assert!(took < Duration::from_secs(4), "{took:?} from the push to the last answer");
    // What was uploaded at one is there at the other.
    let digest = Digest::of(&archive("quickstart", 2).segments[1]);
    let segment = second.get(&format!("/v1/segments/{digest}")).send().await.unwrap();
    assert_eq!(segment.status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_pushes_that_race_at_two_publishers_one_wins() {
    let first = Server::start().await;
    let second = Server::start_in(first.place.clone()).await;
    for version in 1..=3 {
        let pushes: Vec<_> = (0..8_u8)
            .map(|number| {
                let segments = vec![(SegmentKind::Model, vec![number; 1000])];
                let contender =
                    Draft { segments, ..draft("quickstart", version) }.sign(&[&signer(1)]).unwrap();
                let server = if number % 2 == 0 { &first } else { &second };
                let put = server.client.put(server.url("/v1/bundles/quickstart"));
                let push = tokio::spawn(put.body(contender.encode()).send());
                (contender, push)
            })
            .collect();
        let mut winners = Vec::new();
        for (contender, push) in pushes {
            let answer = push.await.unwrap().unwrap();
            match answer.status() {
                StatusCode::CREATED => winners.push(contender.envelope.encode()),
                _ => {
                    let (status, detail) = problem(answer).await;
                    assert_eq!(status, 409);
                    let above = format!("is not above {version}, the one in force");
                    assert!(detail.contains(&above), "{detail}");
                }
            }
        }
        assert_eq!(winners.len(), 1);
        for server in [&first, &second] {
            // The other hears of it in a moment.
            let began = Instant::now();
            let get = async || server.get("/v1/bundles/quickstart/manifest").send().await;
            while get().await.unwrap().bytes().await.unwrap() != winners[0] {
                assert!(began.elapsed() < Duration::from_secs(20), "version {version}");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }
}

/// Held requests outlive a restart of the database, and what is pushed after it reaches them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_of_the_database_is_survived() {
    let place = Place::alone();
    let first = Server::start_in(place.clone()).await;
    let second = Server::start_in(place.clone()).await;
    let etag = first.push(&archive("quickstart", 1)).await;
    let polls: Vec<_> = [&first, &second].map(|server| server.poll("quickstart", &etag, 60)).into();
    until("both hold a request", || first.publisher.held() + second.publisher.held() == 2).await;

    place.server.lock().unwrap_or_else(PoisonError::into_inner).stop().unwrap();
    for server in [&first, &second] {
        // Proxies are answered from memory; whoever pushes is told to come again.
        let known = server.poll("quickstart", &etag, 0).await.unwrap();
        assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
        let response = server.put("quickstart", archive("quickstart", 2).encode()).await;
        assert_eq!(response.headers()["retry-after"], "1");
        assert_eq!(problem(response).await.0, 503);
        assert_eq!(server.get("/readyz").send().await.unwrap().status(), 503);
        assert_eq!(server.get("/healthz").send().await.unwrap().status(), 200);
    }
    assert_eq!(first.publisher.held() + second.publisher.held(), 2, "a request was given up");

    place.server.lock().unwrap_or_else(PoisonError::into_inner).resume().unwrap();
    let etag = first.push(&archive("quickstart", 2)).await;
    for poll in polls {
        let response = poll.await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["etag"], etag);
    }
    // By now both listen again, or look.
    let polls: Vec<_> = [&first, &second].map(|server| server.poll("quickstart", &etag, 60)).into();
    until("both hold a request", || first.publisher.held() + second.publisher.held() == 2).await;
    let etag = second.push(&archive("quickstart", 3)).await;
    for poll in polls {
        assert_eq!(poll.await.unwrap().headers()["etag"], etag);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_knows_the_fleet_of_all() {
    let first = Server::start().await;
    let second = Server::start_in(first.place.clone()).await;
    let etag = first.push(&archive("quickstart", 1)).await;
    let active = ("x-cedarkey-active", "1;since=1767225600");
    first.report(&etag, &[("x-cedarkey-node", "edge-1"), active]).await;
    second.report(&etag, &[("x-cedarkey-node", "edge-2"), active]).await;
    let expected = ["edge-1", "edge-2"].map(|node| (node.to_owned(), "current".to_owned()));
    let deadline = Instant::now() + Duration::from_secs(20);
    for server in [&first, &second] {
        while states(&server.fleet().await) != expected {
            assert!(Instant::now() < deadline, "{}", server.fleet().await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_is_told_of_is_found_at_the_others() {
    let github = Github::new();
    let first = findings::start_in(Place::new(), &github).await;
    let second = findings::start_in(first.place.clone(), &github).await;
    first.push(&archive("shop", 1)).await;
    let body = serde_json::json!([findings::found("a")]).to_string();
    let tell = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        github.tell(&first, &body).await
    };
    let began = Instant::now();
    let (found, told) = tokio::join!(findings::read(&second, 60), tell);
    assert_eq!(told.status(), StatusCode::OK);
    assert_eq!(found.len(), 1);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    // Told again, whichever of them it is.
    let again = github.tell(&second, &body).await;
    assert_eq!(again.headers()["x-cedarkey-delivery"], "known");
}
