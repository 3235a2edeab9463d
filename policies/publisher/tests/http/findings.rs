//! Leaked tokens: what GitHub tells, and who may read it.

use std::{
    fs,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use cedarkey_bundle::{Demand, Digest, Signatures, SigningKey};
use cedarkey_engine::token::mint;
use cedarkey_publisher::{GithubKeys, Options};
use rcgen::{KeyPair, SigningKey as _};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::backend::Place;
use crate::common::{Server, archive, now, options, problem, signer};

/// What signs as GitHub does.
pub struct Github {
    key: KeyPair,
    folder: TempDir,
}

impl Github {
    pub fn new() -> Self {
        let github = Self { key: KeyPair::generate().unwrap(), folder: TempDir::new().unwrap() };
        github.serve(&[("first", &github.key)]);
        github
    }

    fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("keys.json")
    }

    /// Writes the keys as GitHub serves them.
    fn serve(&self, keys: &[(&str, &KeyPair)]) {
        let keys = keys.iter().map(|(name, key)| {
            json!({"key_identifier": name, "key": key.public_key_pem(), "is_current": true})
        });
        let keys = json!({ "public_keys": keys.collect::<Vec<_>>() });
        fs::write(self.file(), keys.to_string()).unwrap();
    }

    fn sign(&self, body: &str) -> String {
        STANDARD.encode(self.key.sign(body.as_bytes()).unwrap())
    }

    pub async fn tell(&self, server: &Server, body: &str) -> Response {
        send(server, "shop", &[(IDENTIFIER, "first"), (SIGNATURE, &self.sign(body))], body).await
    }
}

const IDENTIFIER: &str = "Github-Public-Key-Identifier";
const SIGNATURE: &str = "Github-Public-Key-Signature";

/// A publisher that takes findings, and has the bundle `shop`.
pub async fn start() -> (Server, Github) {
    let github = Github::new();
    let server = start_in(Place::new(), &github).await;
    server.push(&archive("shop", 1)).await;
    (server, github)
}

pub async fn start_in(place: Place, github: &Github) -> Server {
    let github_keys = Some(GithubKeys::load(&github.file()).unwrap());
    let options = Options { github_keys, ..options(place.database()) };
    Server::start_with(place, options).await
}

async fn send(server: &Server, name: &str, headers: &[(&str, &str)], body: &str) -> Response {
    let mut post = server.client.post(server.url(&format!("/v1/findings/{name}/github")));
    for (name, value) in headers {
        post = post.header(*name, *value);
    }
    post.body(body.to_owned()).send().await.unwrap()
}

/// A token in the one form, and one whose checksum is wrong.
fn tokens() -> (String, String) {
    let mut next = 0_u8;
    let token = mint("ck", "production", || {
        next = next.wrapping_add(7);
        next
    });
    let token = token.unwrap();
    let mut wrong = token.clone();
    wrong.replace_range(14..15, if token.as_bytes()[14] == b'x' { "y" } else { "x" });
    (token, wrong)
}

pub fn found(token: &str) -> Value {
    json!({"token": token, "type": "cedarkey", "url": "https://example.com/a", "source": "commit"})
}

/// The header of one who may ask.
fn authorization(key: &SigningKey, what: &str, bundle: &str, at: i64, body: &str) -> String {
    let body = Digest::of(body.as_bytes());
    let demand = Demand { what: what.into(), bundle: bundle.into(), at, body };
    Signatures { at, by: vec![(key.public(), key.sign(&demand.message()))] }.to_header()
}

pub async fn read(server: &Server, wait: u32) -> Vec<Value> {
    let authorization = authorization(&signer(2), "findings", "shop", now(), "");
    let get = server.get("/v1/findings/shop").header("authorization", authorization);
    let answer = get.header("prefer", format!("wait={wait}")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["more"], false);
    answer["findings"].as_array().unwrap().clone()
}

async fn answered(server: &Server, findings: &[Value]) -> u64 {
    let ids: Vec<_> = findings.iter().map(|found| found["id"].clone()).collect();
    let body = json!({ "ids": ids }).to_string();
    let authorization = authorization(&signer(2), "answered", "shop", now(), &body);
    let post = server.client.post(server.url("/v1/findings/shop/answered"));
    let answer = post.header("authorization", authorization).body(body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let answer: Value = answer.json().await.unwrap();
    answer["answered"].as_u64().unwrap()
}

async fn metric(server: &Server, name: &str) -> String {
    let text = server.get("/metrics").send().await.unwrap().text().await.unwrap();
    let prefix = format!("cedarkey_publisher_{name} ");
    text.lines().find_map(|line| line.strip_prefix(&prefix)).unwrap_or("none").into()
}

#[tokio::test]
async fn what_github_finds_is_read_by_those_who_may_push_until_it_is_answered() {
    let (server, github) = start().await;
    let (token, wrong) = tokens();
    assert_eq!(read(&server, 0).await, Vec::<Value>::new());
    let body = json!([found(&token), found(&wrong), {"token": token, "type": "other"}]);
    let answer = github.tell(&server, &body.to_string()).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["x-cedarkey-delivery"], "new");
    // What is known offline: the checksum of one is wrong.
    let labels: Value = answer.json().await.unwrap();
    let hash = |token: &str| Digest::of(token.as_bytes()).to_string();
    let label = json!([{
        "token_hash": hash(&wrong), "token_type": "cedarkey", "label": "false_positive",
    }]);
    assert_eq!(labels, label);

    let findings = read(&server, 0).await;
    let shown = |found: &Value| {
        ["hash", "type", "url", "source"].map(|name| found[name].as_str().unwrap().to_owned())
    };
    let expected = [
        [hash(&token), "cedarkey".into(), "https://example.com/a".into(), "commit".into()],
        [hash(&wrong), "cedarkey".into(), "https://example.com/a".into(), "commit".into()],
        [hash(&token), "other".into(), String::new(), String::new()],
    ];
    assert_eq!(findings.iter().map(shown).collect::<Vec<_>>(), expected);
    assert!((findings[0]["received"].as_i64().unwrap() - now()).abs() < 60);

    assert_eq!(answered(&server, &findings[..2]).await, 2);
    assert_eq!(answered(&server, &findings).await, 1);
    assert_eq!(read(&server, 0).await, Vec::<Value>::new());
    for (name, count) in [
        ("deliveries_total{outcome=\"new\"}", "1"),
        ("findings_total{outcome=\"stored\"}", "3"),
        ("findings_total{outcome=\"false_positive\"}", "1"),
        ("findings_total{outcome=\"answered\"}", "3"),
    ] {
        assert_eq!(metric(&server, name).await, count, "{name}");
    }
}

#[tokio::test]
async fn a_delivery_that_is_repeated_does_nothing_twice() {
    let (server, github) = start().await;
    let (token, wrong) = tokens();
    let body = json!([found(&token), found(&wrong)]).to_string();
    let first = github.tell(&server, &body).await.text().await.unwrap();
    let findings = read(&server, 0).await;
    assert_eq!(answered(&server, &findings).await, 2);
    // Signed anew or not, at the same publisher or after it was started again.
    let place = server.stop().await;
    let server = start_in(place, &github).await;
    for _ in 0..2 {
        let again = github.tell(&server, &body).await;
        assert_eq!(again.status(), StatusCode::OK);
        assert_eq!(again.headers()["x-cedarkey-delivery"], "known");
        assert_eq!(again.text().await.unwrap(), first);
    }
    assert_eq!(read(&server, 0).await, Vec::<Value>::new());
    assert_eq!(metric(&server, "deliveries_total{outcome=\"known\"}").await, "2");
    // The same token elsewhere is another finding; the same one beside it is not.
    let mut elsewhere = found(&token);
    elsewhere["url"] = "https://example.com/b".into();
    github.tell(&server, &json!([elsewhere, elsewhere]).to_string()).await;
    assert_eq!(read(&server, 0).await.len(), 1);
    assert_eq!(metric(&server, "findings_total{outcome=\"known\"}").await, "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deliveries_that_race_are_taken_once() {
    let (server, github) = start().await;
    let body = json!([found("a"), found("b")]).to_string();
    let tell =
        || async { github.tell(&server, &body).await.headers()["x-cedarkey-delivery"].clone() };
    let words = futures_util::future::join_all((0..8).map(|_| tell())).await;
    assert_eq!(words.iter().filter(|word| *word == "new").count(), 1, "{words:?}");
    assert_eq!(read(&server, 0).await.len(), 2);
}

#[tokio::test]
async fn who_waits_is_told_at_once() {
    let (server, github) = start().await;
    let began = Instant::now();
    let tell = async {
        // As soon as the other waits, or a little later.
        tokio::time::sleep(Duration::from_millis(50)).await;
        github.tell(&server, &json!([found("a")]).to_string()).await
    };
    let (findings, told) = tokio::join!(read(&server, 60), tell);
    assert_eq!(told.status(), StatusCode::OK);
    assert_eq!(findings.len(), 1);
    assert!(began.elapsed() < Duration::from_millis(900), "{:?}", began.elapsed());
    answered(&server, &findings).await;
    let began = Instant::now();
    assert_eq!(read(&server, 1).await, Vec::<Value>::new());
    assert!(began.elapsed() >= Duration::from_secs(1));
}

/// The cause and status of the answer to these headers and this body.
type Case<'a> = (&'a str, u16, &'a [(&'a str, &'a str)], &'a str);

#[tokio::test]
async fn what_github_has_not_signed_is_refused() {
    let (server, github) = start().await;
    let (token, _) = tokens();
    let body = json!([found(&token)]).to_string();
    let good = github.sign(&body);
    let other = STANDARD.encode(KeyPair::generate().unwrap().sign(body.as_bytes()).unwrap());
    let cases: [Case; 8] = [
        ("github_unsigned", 403, &[], &body),
        ("github_unsigned", 403, &[(IDENTIFIER, "first")], &body),
        ("github_unsigned", 403, &[(SIGNATURE, &good)], &body),
        ("github_unknown_key", 403, &[(IDENTIFIER, "second"), (SIGNATURE, &good)], &body),
        ("github_bad_signature", 403, &[(IDENTIFIER, "first"), (SIGNATURE, &other)], &body),
        ("github_bad_signature", 403, &[(IDENTIFIER, "first"), (SIGNATURE, "@")], &body),
        ("github_bad_signature", 403, &[(IDENTIFIER, "first"), (SIGNATURE, "")], &body),
        ("github_bad_signature", 403, &[(IDENTIFIER, "first"), (SIGNATURE, &good)], "[]"),
    ];
    let mut counts = std::collections::BTreeMap::new();
    for (cause, status, headers, body) in cases {
        assert_eq!(problem(send(&server, "shop", headers, body).await).await.0, status, "{cause}");
        let count = counts.entry(cause).or_insert(0);
        *count += 1;
        let counted = metric(&server, &format!("problems_total{{cause=\"{cause}\"}}")).await;
        assert_eq!(counted, count.to_string(), "{cause}");
    }
    assert_eq!(read(&server, 0).await, Vec::<Value>::new());
    let signed = [(IDENTIFIER, "first"), (SIGNATURE, good.as_str())];
    assert_eq!(problem(send(&server, "other", &signed, &body).await).await.0, 404);
    // It is good all the same.
    assert_eq!(send(&server, "shop", &signed, &body).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_without_a_word_of_it() {
    let (server, github) = start().await;
    let (token, _) = tokens();
    for body in [
        "".to_owned(),
        "{}".to_owned(),
        token.clone(),
        json!([token]).to_string(),
        json!([{"token": token}]).to_string(),
        json!([{"token": 1, "type": "x"}]).to_string(),
        json!([found(&token), {"type": "x"}]).to_string(),
    ] {
        let (status, detail) = problem(github.tell(&server, &body).await).await;
        assert_eq!(status, 400, "{body}");
        assert!(detail.starts_with("the body is not the JSON that it should be, at "), "{detail}");
        assert!(!detail.contains(&token), "{detail}");
    }
    let long = json!([found(&"x".repeat(1024 * 1024))]).to_string();
    assert_eq!(problem(github.tell(&server, &long).await).await.0, 413);
    assert_eq!(read(&server, 0).await, Vec::<Value>::new());
    assert_eq!(metric(&server, "problems_total{cause=\"findings_malformed\"}").await, "7");
    assert_eq!(metric(&server, "problems_total{cause=\"too_large\"}").await, "1");
}

#[tokio::test]
async fn findings_are_not_for_everybody() {
    let (server, github) = start().await;
    github.tell(&server, &json!([found("a")]).to_string()).await;
    let get = async |authorization: String| {
        let get = server.get("/v1/findings/shop").header("authorization", authorization);
        problem(get.send().await.unwrap()).await
    };
    let unsigned = server.get("/v1/findings/shop").send().await.unwrap();
    assert_eq!(unsigned.headers()["www-authenticate"], "Cedarkey");
    assert_eq!(problem(unsigned).await.0, 401);
    assert_eq!(get("Bearer x".into()).await.0, 401);
    let sign = |key: u8, what: &str, bundle: &str, at: i64| {
        authorization(&signer(key), what, bundle, at, "")
    };
    for (authorization, said) in [
        (sign(3, "findings", "shop", now()), "no trusted key"),
        (sign(2, "answered", "shop", now()), "signature"),
        (sign(2, "findings", "other", now()), "signature"),
        (sign(2, "findings", "shop", now() - 400), "set the clocks"),
        (sign(2, "findings", "shop", now() + 400), "set the clocks"),
    ] {
        let (status, detail) = get(authorization).await;
        assert_eq!(status, 403, "{detail}");
        assert!(detail.contains(said), "{detail}");
    }
    // A key for one bundle alone is for no other's findings.
    let other = authorization(&signer(2), "findings", "other", now(), "");
    let get = server.get("/v1/findings/other").header("authorization", other);
    assert_eq!(get.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    // The body is signed too.
    let signed = authorization(&signer(2), "answered", "shop", now(), "{\"ids\":[]}");
    let post = server.client.post(server.url("/v1/findings/shop/answered"));
    let post = post.header("authorization", signed).body("{\"ids\":[1]}");
    assert_eq!(post.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    assert_eq!(read(&server, 0).await.len(), 1);
}

#[tokio::test]
async fn nothing_is_taken_unless_it_was_asked_for() {
    let server = Server::start().await;
    server.push(&archive("shop", 1)).await;
    for path in ["/v1/findings/shop", "/v1/findings/shop/github", "/v1/findings/shop/answered"] {
        let answer = server.client.post(server.url(path)).send().await.unwrap();
        assert_eq!(problem(answer).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn what_waits_for_an_answer_has_an_end() {
    let (server, github) = start().await;
    let found = |number: usize| json!({"token": number.to_string(), "type": ""});
    let many: Vec<_> = (0..20_001).map(found).collect();
    let (status, detail) = problem(github.tell(&server, &json!(many).to_string()).await).await;
    assert_eq!(status, 507, "{detail}");
    assert!(detail.contains("`cedarkey leak watch`"), "{detail}");
    // Nothing of it was stored, and it may be told again.
    assert_eq!(read(&server, 0).await, Vec::<Value>::new());
    github.tell(&server, &json!([found(1)]).to_string()).await;
    assert_eq!(read(&server, 0).await.len(), 1);
    assert_eq!(problem(github.tell(&server, &json!(many).to_string()).await).await.0, 507);
}

#[tokio::test]
async fn githubs_keys_are_replaced_while_it_runs() {
    let (server, github) = start().await;
    let body = json!([found("a")]).to_string();
    let second = KeyPair::generate().unwrap();
    let signed = STANDARD.encode(second.sign(body.as_bytes()).unwrap());
    let headers = [(IDENTIFIER, "second"), (SIGNATURE, signed.as_str())];
    assert_eq!(problem(send(&server, "shop", &headers, &body).await).await.0, 403);
    github.serve(&[("first", &github.key), ("second", &second)]);
    assert_eq!(send(&server, "shop", &headers, &body).await.status(), StatusCode::OK);
    // While the file is no good, what was read last holds.
    fs::write(github.file(), "{").unwrap();
    assert_eq!(send(&server, "shop", &headers, &body).await.status(), StatusCode::OK);
    // A key that is gone is gone.
    github.serve(&[("first", &github.key)]);
    assert_eq!(problem(send(&server, "shop", &headers, &body).await).await.0, 403);
}

/// The request that GitHub's documentation of the partner programme shows, and the key by which it
/// is signed.
#[tokio::test]
async fn the_request_of_githubs_documentation_is_taken() {
    let identifier = "bcb53661c06b4728e59d897fb6165d5c9cda0fd9cdf9d09ead458168deb7518c";
    let key = "-----BEGIN PUBLIC KEY-----\n\
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYAGMWO8XgCamYKMJS6jc/qgvSlAd\n\
        AjPuDPRcXU22YxgBrz+zoN19MzuRyW87qEt9/AmtoNP5GrobzUvQSyJFVw==\n\
        -----END PUBLIC KEY-----\n";
    let signature = "MEQCIQDaMKqrGnE27S0kgMrEK0eYBmyG0LeZismAEz/BgZyt7AIfXt9fErtRS4XaeSt/\
        AO1RtBY66YcAdjxji410VQV4xg==";
    let body = "[{\"source\":\"commit\",\"token\":\"some_token\",\"type\":\"some_type\",\
        \"url\":\"https://example.com/base-repo-url/\"}]";
    let github = Github::new();
    let served = json!({"public_keys": [
        {"key_identifier": identifier, "key": key, "is_current": true}
    ]});
    fs::write(github.file(), served.to_string()).unwrap();
    let server = start_in(Place::new(), &github).await;
    server.push(&archive("shop", 1)).await;
    let headers = [(IDENTIFIER, identifier), (SIGNATURE, signature)];
    let answer = send(&server, "shop", &headers, body).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.text().await.unwrap(), "[]");
    let findings = read(&server, 0).await;
    assert_eq!(findings[0]["hash"], Digest::of(b"some_token").to_string());
    assert_eq!(findings[0]["source"], "commit");
}
