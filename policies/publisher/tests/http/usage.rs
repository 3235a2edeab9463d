//! What proxies have counted, and that nothing counts twice.

use cedarkey_bundle::usage::{Head, MAX_BYTES, Network, Part, Row, What};
use cedarkey_engine::key::KeyId;
use reqwest::{Response, StatusCode};
use serde_json::Value;

use crate::common::{Server, archive, now, problem};

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
    server.push(&archive("quickstart", 1)).await;
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
    server.push(&archive("quickstart", 1)).await;
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
    server.push(&archive("quickstart", 1)).await;
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
    let server = Server::start().await;
    server.push(&archive("quickstart", 1)).await;
    let row = |at: u128| Row {
        key: at.to_be_bytes(),
        what: What::Allow(0),
        count: 1,
        last: now().try_into().unwrap(),
    };
    let rows = (0..1_201).map(row).collect();
    server.told(report(1, 1, &[Part { names: vec!["a".into()], rows, dropped: 0 }])).await;
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
