//! Where an issuer's keys come from, and when they are read again.

use crate::login::{Known, Login, claims, settings_of};
use axum::{Router, routing::get};
use cedarkey_host_kit::identities::{ISSUER, part};
use cedarkey_identity::Identities;
use serde_json::json;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// Longer than an issuer is left alone after it was asked, which is by the real clock.
const PAUSE: Duration = Duration::from_millis(5200);

#[tokio::test]
async fn a_file_is_read_again_when_it_changes() {
    let (old, new) = (Login::new(1), Login::new(2));
    let known = Known::issuer(&old.keys());
    let file = known.folder.path().join("jwks.json");
    known.prove(&old.sign(&claims())).await.unwrap();

    // What is no key set changes nothing.
    fs::write(&file, "nonsense").unwrap();
    known.prove(&old.sign(&claims())).await.unwrap();
    fs::write(&file, new.keys().to_string()).unwrap();
    known.prove(&new.sign(&claims())).await.unwrap();
    assert_eq!(known.refuse(&old.sign(&claims())).await, "jwt_signature");
}

#[tokio::test]
async fn without_any_keys_nobody_proves_anything() {
    let known = Known::issuer(&json!({ "keys": [] }));
    assert_eq!(known.refuse(&Login::new(1).sign(&claims())).await, "jwt_key");
}

#[test]
fn a_file_that_is_no_key_set_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings_of(&at("jwks.json"));
    for content in [None, Some("nonsense"), Some("[]"), Some("{}")] {
        if let Some(content) = content {
            fs::write(folder.path().join("jwks.json"), content).unwrap();
        }
        let error = Identities::new(&settings, folder.path()).unwrap_err();
        assert!(error.to_string().contains("jwks.json` cannot be used"), "{error}");
    }
}

/// A key that is for something else, or says another algorithm, or is a secret.
#[tokio::test]
async fn keys_are_for_what_they_say() {
    let login = Login::new(1);
    let jwt = login.sign(&claims());
    for (name, value, cause) in [
        ("use", "enc", "jwt_key"),
        ("alg", "ES256", "jwt_key"),
        ("key_ops", "[\"sign\"]", "jwt_key"),
        ("key_ops", "[\"sign\",\"verify\"]", ""),
        ("use", "sig", ""),
        ("alg", "EdDSA", ""),
    ] {
        let mut keys = login.keys();
        keys["keys"][0][name] = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
        let proved = Known::issuer(&keys).prove(&jwt).await;
        assert_eq!(proved.map_or_else(|error| error.cause(), |_| ""), cause, "{name} {value}");
    }
    let secret = json!({ "keys": [{ "kty": "oct", "kid": "1", "k": part("secret") }] });
    assert_eq!(Known::issuer(&secret).refuse(&jwt).await, "jwt_key");
}

/// Without a name the key must be the only one that it can be.
#[tokio::test]
async fn a_jwt_without_a_name_needs_a_key_without_a_twin() {
    let (login, other) = (Login::new(1), Login::new(2));
    let jwt = login.ed.token_as(&json!({ "alg": "EdDSA" }), &claims());
    let mut keys = login.keys();
    Known::issuer(&keys).prove(&jwt).await.unwrap();
    let twin = other.keys()["keys"][0].clone();
    keys["keys"].as_array_mut().unwrap().push(twin);
    assert_eq!(Known::issuer(&keys).refuse(&jwt).await, "jwt_key");
}

/// A key set with what this version does not know is as good as its other keys.
#[tokio::test]
async fn keys_of_kinds_that_are_not_known_are_passed_over() {
    let login = Login::new(1);
    let mut keys = login.keys();
    keys["keys"].as_array_mut().unwrap().extend([
        json!({ "kty": "AKP", "kid": "later", "alg": "ML-DSA-44", "pub": "AA" }),
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": 7, "x": "AA" }),
        json!(null),
        json!({ "kty": "EC", "crv": "P-521", "kid": "wide", "x": "AA", "y": "AA" }),
    ]);
    Known::issuer(&keys).prove(&login.sign(&claims())).await.unwrap();
}

#[tokio::test]
async fn a_url_is_asked_when_a_key_is_new_and_not_for_each_forgery() {
    let (old, new) = (Login::new(1), Login::new(2));
    let asked = Arc::new(AtomicUsize::new(0));
    let keys = Arc::new(Mutex::new(old.keys()));
    let (counter, answer) = (Arc::clone(&asked), Arc::clone(&keys));
    let routes = Router::new().route(
        "/jwks",
        get(async move || {
            counter.fetch_add(1, Ordering::Relaxed);
            answer.lock().unwrap().to_string()
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/jwks", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, routes).await });
    let known = Identities::new(&settings_of(&at(&url)), Path::new("")).unwrap();
    let prove = async |jwt: &str| known.prove(Some(jwt), None).await;
    prove(&old.sign(&claims())).await.unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 1);

    // The issuer has a new key, of another name. Soon after the last time, nobody is asked.
    let mut renamed = new.keys();
    renamed["keys"][0]["kid"] = json!("new");
    *keys.lock().unwrap() = renamed;
    let jwt = new.ed.token_as(&json!({ "alg": "EdDSA", "kid": "new" }), &claims());
    for _ in 0..20 {
        assert_eq!(prove(&jwt).await.unwrap_err().cause(), "jwt_key");
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    // Until the issuer may be asked again: how long it is left alone is what this is about.
    tokio::time::sleep(PAUSE).await;
    prove(&jwt).await.unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 2);

    // While the issuer is away, what was read last holds.
    server.abort();
    let _ = server.await;
    prove(&jwt).await.unwrap();
}

fn at(url: &str) -> String {
    format!(
        "[[issuers]]\nissuer = '{ISSUER}'\naudience = 'cedarkey'\njwks = '{url}'\nspiffe_id = 'spiffe://example.com/{{/sub}}'"
    )
}

#[tokio::test]
async fn keys_that_anybody_could_replace_are_not_taken() {
    let wrong = |url: &str| Identities::new(&settings_of(&at(url)), Path::new("")).unwrap_err();
    for url in ["http://login.example.com/jwks", "http://127.0.0.1.evil.com/jwks", "ftp://a/b"] {
        assert!(wrong(url).to_string().contains("is not `https://`"), "{url}");
    }
    assert!(wrong("https://").to_string().contains("neither a file nor a URL"));
    let settings = format!("{}\njwks_ca = 'missing.pem'", at("https://login.example.com/jwks"));
    let error = Identities::new(&settings_of(&settings), Path::new("")).unwrap_err();
    assert!(error.to_string().contains("missing.pem"), "{error}");
}

/// An issuer that does not answer keeps those waiting who name keys that nobody knows, and no others.
#[tokio::test]
async fn forgeries_do_not_keep_others_waiting() {
    let login = Login::new(1);
    let silent = Arc::new(AtomicBool::new(false));
    let (keys, is_silent) = (login.keys().to_string(), Arc::clone(&silent));
    let answer = get(async move || {
        if is_silent.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        keys
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/jwks", listener.local_addr().unwrap());
    let routes = Router::new().route("/jwks", answer);
    let server = tokio::spawn(async move { axum::serve(listener, routes).await });
    let known = Arc::new(Identities::new(&settings_of(&at(&url)), Path::new("")).unwrap());
    let good = login.sign(&claims());
    known.prove(Some(&good), None).await.unwrap();
    // Until the issuer may be asked again, so that the forgeries are what has it asked.
    tokio::time::sleep(PAUSE).await;

    silent.store(true, Ordering::Relaxed);
    let forged = login.ed.token_as(&json!({ "alg": "EdDSA", "kid": "nobody" }), &claims());
    let begun = Instant::now();
    let forgers: Vec<_> = (0..10)
        .map(|_| {
            let (known, forged) = (Arc::clone(&known), forged.clone());
            tokio::spawn(async move { known.prove(Some(&forged), None).await.unwrap_err().cause() })
        })
        .collect();
    // Until the first of them is with the issuer, which nobody here can see.
    tokio::time::sleep(Duration::from_millis(200)).await;
    known.prove(Some(&good), None).await.unwrap();
    // The issuer is given five seconds, once.
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    for forger in forgers {
        assert_eq!(forger.await.unwrap(), "jwt_key");
    }
    assert!(begun.elapsed() < Duration::from_secs(9), "{:?}", begun.elapsed());
    server.abort();
}
