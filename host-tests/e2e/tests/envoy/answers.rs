//! What callers are answered, and what upstreams see.

use crate::{decided, deploy, issue};
use cedarkey_host_kit::deployment::{Answer, LIMIT, Result, in_force, request, request_until};
use cedarkey_host_kit::wait;

fn cause(answer: &Answer) -> String {
    let json = answer.json();
    let kind = json.get("type").and_then(|kind| kind.as_str()).unwrap_or_default();
    kind.trim_start_matches("urn:cedarkey:denied:").into()
}

#[test]
fn each_answer_says_what_it_must_and_no_more() -> Result<()> {
    let (deployment, reader, envoy) = deploy(&[])?;
    let ended = issue(&deployment, "1s")?;
    let revoked = issue(&deployment, "90d")?;
    deployment.cedarkey(&["keys", "revoke", &revoked.id, "--reason", "tests"])?;
    let barred = deployment.issue(&[
        "--owner",
        "team:payments",
        "--team",
        "payments",
        "--scope",
        "orders:read",
        "--network",
        "192.0.2.0/24",
    ])?;
    deployment.push()?;
    let key = [("x-api-key", reader.token.as_str())];
    let allowed = request_until(&envoy, 200, "GET", "/v1/orders/7", &key)?;
    assert_eq!(
        allowed.json().pointer("/path").and_then(|path| path.as_str()),
        Some("/v1/orders/7")
    );

    // The last bundle is in force on a worker once it knows the key that the last one brought.
    let old = [("x-api-key", ended.token.as_str())];
    request_until(&envoy, 403, "GET", "/v1/orders", &old)?;
    let of = |token: &str, method: &str, path: &str| {
        request(&envoy, method, path, &[("x-api-key", token)])
    };
    let reads = |token: &str| of(token, "GET", "/v1/orders");
    wait::until("every worker has the last bundle", LIMIT, || {
        let known = (0..20).all(|_| reads(&barred.token).is_ok_and(|a| a.status == 403));
        known.then_some(())
    })?;
    let flipped = reader.token.replace('a', "b");
    for (answer, status, expected) in [
        (request(&envoy, "GET", "/v1/orders", &[])?, 401, "missing_key"),
        (reads("garbage")?, 401, "malformed_key"),
        (reads(&format!("{flipped}x"))?, 401, "malformed_key"),
        (reads(&revoked.token)?, 401, "unknown_key"),
        (reads(&ended.token)?, 403, "key_expired"),
        (reads(&barred.token)?, 403, "policy"),
        (of(&reader.token, "POST", "/v1/orders")?, 403, "policy"),
        (of(&reader.token, "GET", "/v1/invoices")?, 403, "no_route"),
        (of(&reader.token, "GET", "/v1/orders/%61%252f")?, 403, "ambiguous_path"),
    ] {
        assert_eq!((answer.status, cause(&answer).as_str()), (status, expected), "{answer:?}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        let challenge = answer.header("www-authenticate");
        assert_eq!(challenge, (status == 401).then_some("Bearer realm=\"quickstart\""));
        assert!(answer.json().get("policies").is_none(), "{answer:?}");
        assert!(answer.json().get("decision_id").is_some(), "{answer:?}");
    }
    for cause in ["missing_key", "no_route"] {
        assert_eq!(decided(&envoy, cause, 1)?, 1, "{cause}");
    }
    decided(&envoy, "key_revoked", 1)?;
    Ok(())
}

#[test]
fn what_is_revealed_is_what_was_asked_for() -> Result<()> {
    let (deployment, reader, envoy) = deploy(&["--reveal-revoked", "--reveal-policies"])?;
    let key = [("x-api-key", reader.token.as_str())];
    let denied = request(&envoy, "POST", "/v1/orders", &key)?;
    let policy = denied.json().pointer("/policies/0").cloned();
    assert_eq!(policy, Some("guardrail.scope".into()));
    let publisher = deployment.publisher()?;
    let revoke = ["keys", "revoke", &reader.id, "--reason", "tests", "--push", &publisher];
    deployment.cedarkey(&revoke)?;
    let revoked = request_until(&envoy, 403, "GET", "/v1/orders", &key)?;
    assert_eq!(cause(&revoked), "key_revoked");
    Ok(())
}

#[test]
fn a_key_never_reaches_the_upstream_and_headers_cannot_be_forged() -> Result<()> {
    let (_deployment, reader, envoy) = deploy(&[])?;
    let token = reader.token.as_str();
    let bearer = format!("bearer {token}");
    let forged = [
        ("x-cedarkey-owner", "somebody"),
        ("x-cedarkey-key-id", "another"),
        ("x-cedarkey-admin", "yes"),
    ];
    for carried in [vec![("x-api-key", token)], vec![("authorization", bearer.as_str())]] {
        let headers = [&carried[..], &forged].concat();
        let answer = request(&envoy, "GET", "/v1/orders/7?page=2", &headers)?;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(!answer.body.contains(token), "{answer:?}");
        let seen = answer.json();
        let header = |name: &str| seen.pointer(&format!("/headers/{name}")).cloned();
        assert_eq!(header("x-cedarkey-owner"), Some(serde_json::json!(["team:payments"])));
        assert_eq!(header("x-cedarkey-key-id"), Some(serde_json::json!([reader.id])));
        assert_eq!(header("x-cedarkey-admin"), None);
        assert!(header("x-cedarkey-decision-id").is_some());
    }
    // A token of another kind is for the upstream, and stays.
    let both = [("x-api-key", token), ("authorization", "Bearer of-another-kind")];
    let answer = request(&envoy, "GET", "/v1/orders/7", &both)?;
    let kept = answer.json().pointer("/headers/authorization/0").cloned();
    assert_eq!(kept, Some("Bearer of-another-kind".into()), "{answer:?}");
    Ok(())
}

#[test]
fn a_key_in_the_query_or_a_cookie_is_taken_and_stripped() -> Result<()> {
    let (deployment, reader, envoy) = deploy(&[])?;
    drop(envoy);
    let (_, publisher) = deployment
        .publisher()?
        .split_once("//")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    let config = deployment.render(&["--publisher", &publisher])?;
    let places = r#"{\"key_from\":[{\"query\":\"api_key\"},{\"cookie\":\"key\"}],"#;
    let config = config.replace(r#"{\"bundle\""#, &format!(r#"{places}\"bundle\""#));
    let config = if config.contains("key_from") {
        config
    } else {
        let places = r#"{"key_from":[{"query":"api_key"},{"cookie":"key"}],"#;
        config.replace(r#"{"bundle""#, &format!(r#"{places}"bundle""#))
    };
    assert!(config.contains("key_from"), "{config}");
    let envoy = cedarkey_host_kit::deployment::start(&config)?;
    in_force(&envoy)?;
    let token = reader.token.as_str();
    let path = format!("/v1/orders/7?a=1&api_key={token}&b=2");
    let answer = request(&envoy, "GET", &path, &[])?;
    assert_eq!(answer.json().pointer("/path").cloned(), Some("/v1/orders/7?a=1&b=2".into()));
    let cookie = format!("a=1; key={token}; b=2");
    let answer = request(&envoy, "GET", "/v1/orders/7", &[("cookie", &cookie)])?;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json().pointer("/headers/cookie/0").cloned(), Some("a=1; b=2".into()));
    assert!(!answer.body.contains(token), "{answer:?}");
    Ok(())
}

#[test]
fn a_grpc_call_is_answered_in_its_own_terms() -> Result<()> {
    let (_deployment, reader, envoy) = deploy(&[])?;
    let key = ("x-api-key", reader.token.as_str());
    let grpc = ("content-type", "application/grpc");
    let missing = request(&envoy, "POST", "/v1/orders", &[grpc])?;
    assert_eq!((missing.status, missing.header("grpc-status")), (200, Some("16")));
    let denied = request(&envoy, "POST", "/v1/orders", &[grpc, key])?;
    assert_eq!((denied.status, denied.header("grpc-status")), (200, Some("7")));
    let message = denied.header("grpc-message").unwrap_or_default();
    assert!(message.contains("lacks a scope"), "{denied:?}");
    Ok(())
}
