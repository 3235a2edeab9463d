//! What proxies have counted, and that nothing counts twice.

use cedarkey_bundle::usage::{Head, MAX_BYTES, Network, Part, Row, What};
use cedarkey_bundle::{Archive, SegmentKind, keys::KeyShards};
use cedarkey_engine::{
    key::{KeyId, KeyRecord},
    token::KeyHash,
};
use reqwest::{Response, StatusCode};
use serde_json::Value;

use crate::backend::Place;
use crate::common::{Server, draft, now, options, problem, signer};

/// A version of a bundle that holds keys with these ids.
fn bundle(version: u64, ids: impl IntoIterator<Item = u128>) -> Archive {
    let keys = ids.into_iter().map(|id| {
        // As evenly spread as the hashes of tokens are.
        let hash = cedarkey_bundle::Digest::of(&id.to_be_bytes());
        let (created, not_before, expires) = (0, 0, 4_000_000_000_000);
        let id = KeyId(id.to_be_bytes());
        (KeyHash(hash.0), KeyRecord { id, created, not_before, expires, profile: 0 })
    });
    let mut draft = draft("quickstart", version);
    let shards = KeyShards::build(keys.collect()).unwrap();
    draft.segments.extend(shards.into_iter().map(|shard| (SegmentKind::Keys, shard)));
    draft.sign(&[&signer(1)]).unwrap()
}

/// The keys that [`part`] speaks of.
fn ids() -> impl Iterator<Item = u128> {
    (1..=9).map(|key: u8| u128::from_be_bytes([key; 16]))
}

/// A publisher with room for many keys.
async fn roomy() -> Server {
    let place = Place::new();
    let options =
        cedarkey_publisher::Options { max_bundle_bytes: 16 << 20, ..options(place.database()) };
    Server::start_with(place, options).await
}

/// A report of one request of each of these keys.
fn of_each(reporter: u64, keys: impl Iterator<Item = u128>) -> Vec<u8> {
    let last = now().try_into().unwrap();
    let row = |id: u128| Row { key: id.to_be_bytes(), what: What::Allow(0), count: 1, last };
    let part = Part { names: vec!["a".into()], rows: keys.map(row).collect(), dropped: 0 };
    report(reporter, 1, &[part])
}

/// The id of the key that [`part`] speaks of with this number.
fn id(key: u8) -> String {
    KeyId([key; 16]).to_string()
}

fn part(key: u8, count: u32) -> Part {
    let last = now().try_into().unwrap();
    let row = |what| Row { key: [key; 16], what, count, last };
    let rows =
        vec![row(What::Allow(0)), row(What::Deny(1)), row(What::Network(Network::V4([192, 0, 2])))];
    Part { names: vec!["listOrders".into(), "no_permit".into()], rows, dropped: 1 }
}

fn report(reporter: u64, sequence: u64, parts: &[Part]) -> Vec<u8> {
    let mut bytes = Head { reporter, sequence }.encode();
    parts.iter().for_each(|part| bytes.extend(part.encode()));
    bytes
}

impl Server {
    async fn tell(&self, bundle: &str, report: Vec<u8>) -> Response {
        let url = self.url(&format!("/v1/bundles/{bundle}/usage"));
        self.client.post(url).body(report).send().await.unwrap()
    }

    async fn told(&self, report: Vec<u8>) {
        assert_eq!(self.tell("quickstart", report).await.status(), StatusCode::NO_CONTENT);
    }

    /// What is known of a key.
    async fn usage(&self, key: &str) -> Value {
        let answer = self.get("/v1/bundles/quickstart/usage").send().await.unwrap();
        assert_eq!(answer.headers()["cache-control"], "no-store");
        let page: Value = answer.json().await.unwrap();
        let since = page["since"].as_i64();
        assert!(since.is_none_or(|since| (now() - since).abs() < 60), "{page}");
        let mut keys = page["keys"].as_array().unwrap().iter();
        keys.find(|known| known["key"] == key).cloned().unwrap_or_default()
    }

    async fn metric(&self, name: &str) -> String {
        let text = self.get("/metrics").send().await.unwrap().text().await.unwrap();
        let name = format!("cedarkey_publisher_{name} ");
        text.lines().find_map(|line| line.strip_prefix(&name)).unwrap().to_owned()
    }
}

#[tokio::test]
async fn what_proxies_have_counted_is_added_up_and_kept() {
    let server = Server::start().await;
    server.push(&bundle(1, ids())).await;
    server.told(report(1, 1, &[part(7, 2), part(8, 1), part(7, 3)])).await;
    server.told(report(2, 1, &[part(7, 10)])).await;
    let usage = server.usage(&id(7)).await;
    for of in [&usage["allowed"], &usage["denied"], &usage["actions"]["listOrders"]] {
        assert_eq!(of["count"], 15, "{usage}");
        assert!((now() - of["last"].as_i64().unwrap()).abs() < 60);
    }
    assert_eq!(usage["causes"]["no_permit"]["count"], 15);
    assert_eq!(usage["networks"]["192.0.2.0/24"]["count"], 15);
    let days = usage["days"].as_object().unwrap();
    let sum = |at: usize| days.values().map(|day| day[at].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum(0), sum(1)), (15, 15));
    assert_eq!(server.metric("usage_reports_total").await, "2");
    assert_eq!(server.metric("usage_uncounted_total").await, "4");
    // It is the same after a restart, and a report from before it is still known.
    let server = Server::start_in(server.stop().await).await;
    server.told(report(2, 1, &[part(7, 10)])).await;
    assert_eq!(server.usage(&id(7)).await, usage);
}

#[tokio::test]
async fn a_report_that_comes_again_counts_once() {
    let server = Server::start().await;
    server.push(&bundle(1, ids())).await;
    for _ in 0..3 {
        server.told(report(1, 1, &[part(7, 2)])).await;
    }
    server.told(report(1, 2, &[part(7, 2)])).await;
    server.told(report(1, 1, &[part(7, 2)])).await;
    assert_eq!(server.usage(&id(7)).await["allowed"]["count"], 4);
    assert_eq!(server.metric("usage_reports_repeated_total").await, "3");
    // At the same time, too.
    let same = (0..8).map(|_| server.tell("quickstart", report(9, 1, &[part(7, 1)])));
    for answer in futures_util::future::join_all(same).await {
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    }
    let others = (10..18).map(|by| server.tell("quickstart", report(by, 1, &[part(7, 1)])));
    for answer in futures_util::future::join_all(others).await {
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    }
    assert_eq!(server.usage(&id(7)).await["allowed"]["count"], 4 + 1 + 8);
}

#[tokio::test]
async fn what_is_no_report_is_refused_and_counted() {
    let server = Server::start().await;
    server.push(&bundle(1, ids())).await;
    let mut torn = report(1, 1, &[part(7, 2)]);
    torn.truncate(torn.len() - 3);
    for body in [Vec::new(), b"{}".to_vec(), torn] {
        let (status, detail) = problem(server.tell("quickstart", body).await).await;
        assert_eq!(status, 400);
        assert!(detail.starts_with("the body is no usage report: "), "{detail}");
    }
    let long = problem(server.tell("quickstart", vec![0; MAX_BYTES + 1]).await).await;
    assert_eq!(long.0, 413);
    let unknown = problem(server.tell("other", report(1, 1, &[part(7, 2)])).await).await;
    assert_eq!(unknown.0, 404);
    assert_eq!(server.metric("problems_total{cause=\"usage_report\"}").await, "3");
    assert_eq!(server.usage(&id(7)).await, Value::Null, "nothing of it was taken");
}

#[tokio::test]
async fn many_keys_are_told_a_page_at_a_time() {
    let server = roomy().await;
    server.push(&bundle(1, 0x100..0x100 + 1_201)).await;
    server.told(of_each(1, 0x100..0x100 + 1_201)).await;
    let (mut after, mut seen) = (String::new(), Vec::new());
    loop {
        let path = format!("/v1/bundles/quickstart/usage?after={after}");
        let page: Value = server.get(&path).send().await.unwrap().json().await.unwrap();
        let keys = page["keys"].as_array().unwrap();
        seen.extend(keys.iter().map(|key| key["key"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen.len(), 1_201);
    assert!(seen.is_sorted());
    seen.dedup();
    assert_eq!(seen.len(), 1_201);
}

#[tokio::test]
async fn what_is_told_of_keys_that_the_bundle_does_not_hold_is_left_out_and_counted() {
    let server = Server::start().await;
    server.push(&bundle(1, ids().take(7))).await;
    server.told(report(1, 1, &[part(7, 2), part(8, 3)])).await;
    assert_eq!(server.usage(&id(7)).await["allowed"]["count"], 2);
    assert_eq!(server.usage(&id(8)).await, Value::Null);
    assert_eq!(server.metric("usage_unknown_total").await, "9");
    // As soon as a version holds it, it is taken.
    server.push(&bundle(2, ids().skip(7))).await;
    server.told(report(1, 2, &[part(8, 3)])).await;
    assert_eq!(server.usage(&id(8)).await["allowed"]["count"], 3);
    // Of a key that was held it is still taken what proxies had not told yet, but of no other.
    server.told(report(1, 3, &[part(7, 5), part(6, 1)])).await;
    assert_eq!(server.usage(&id(7)).await["allowed"]["count"], 7);
    assert_eq!(server.usage(&id(6)).await, Value::Null);
    assert_eq!(server.metric("usage_unknown_total").await, "12");
}

#[tokio::test]
async fn a_bundle_without_readable_keys_holds_none() {
    let server = Server::start().await;
    let mut broken = draft("quickstart", 1);
    broken.segments.push((SegmentKind::Keys, b"no shard".to_vec()));
    server.push(&broken.sign(&[&signer(1)]).unwrap()).await;
    server.told(report(1, 1, &[part(7, 2)])).await;
    assert_eq!(server.usage(&id(7)).await, Value::Null);
    assert_eq!(server.metric("usage_unknown_total").await, "6");
}

/// As long as reports go, and as large as bundles usually are not: what others write comes between.
#[tokio::test]
async fn a_push_does_not_wait_for_a_report_to_be_written() {
    const KEYS: u128 = 18_000;
    let server = roomy().await;
    let bundles = [1, 2].map(|version| bundle(version, 1..=KEYS));
    server.push(&bundles[0]).await;
    let url = server.url("/v1/bundles/quickstart/usage");
    let request = server.client.post(url).body(of_each(1, 1..=KEYS));
    let report = tokio::spawn(async { request.send().await.unwrap() });
    // It has begun.
    while server.usage(&KeyId(1_u128.to_be_bytes()).to_string()).await.is_null() {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    server.push(&bundles[1]).await;
    assert!(!report.is_finished(), "the push came after the whole report");
    assert_eq!(report.await.unwrap().status(), StatusCode::NO_CONTENT);
    assert_eq!(server.metric("usage_reports_total").await, "1");
    let last = server
        .get(&format!("/v1/bundles/quickstart/usage?after={}", KeyId((KEYS - 1).to_be_bytes())));
    let page: Value = last.send().await.unwrap().json().await.unwrap();
    assert_eq!(page["keys"][0]["allowed"]["count"], 1);
}
