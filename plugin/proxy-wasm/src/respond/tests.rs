//! What callers are told, and what they are not.

use super::*;
use serde_json::{Value, json};

fn config(key_from: &str) -> Config {
    let json = json!({
        "bundle": "quickstart",
        "trusted_keys": ["ed25519:O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik="],
        "publisher": { "cluster": "publisher" },
        "key_from": serde_json::from_str::<Value>(key_from).unwrap(),
    });
    Config::parse(json.to_string().as_bytes()).unwrap()
}

fn header<'a>(answer: &Answer<'a>, name: &str) -> Option<&'a str> {
    answer.headers.iter().find(|(other, _)| *other == name).map(|(_, value)| *value)
}

#[test]
fn every_cause_is_a_problem_with_its_status() {
    for cause in Cause::ALL {
        let answer = answer(None, &Told::new(cause, cause.detail(), true), "id", &[]);
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        let status = if cause == Cause::KeyRevoked { 403 } else { cause.status() };
        assert_eq!((answer.status, &body["status"]), (status, &json!(status)));
        let told = if cause == Cause::DecoyKey { Cause::UnknownKey } else { cause };
        assert_eq!(body["type"], format!("urn:cedarkey:denied:{}", told.label()));
        assert_eq!((&body["detail"], &body["decision_id"]), (&json!(cause.detail()), &json!("id")));
        assert_eq!(body.get("policies"), None);
        assert_eq!(header(&answer, "content-type"), Some("application/problem+json"));
        assert_eq!(header(&answer, "cache-control"), Some("no-store"));
    }
}

#[test]
fn whatever_a_policy_says_is_still_json() {
    let told = Told::new(Cause::Policy, "no \"such\"\n\\ thing", false);
    let body = answer(None, &told, "id", &["a\"b", "c"]).body;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["detail"], "no \"such\"\n\\ thing");
    assert_eq!(body["policies"], json!(["a\"b", "c"]));
}

#[test]
fn only_401_asks_for_a_key() {
    let unknown = Told::new(Cause::UnknownKey, "x", false);
    let asks = |config: &Config| {
        header(&answer(Some(config), &unknown, "id", &[]), "www-authenticate").map(String::from)
    };
    let both = config(r#"[{"header": "x-api-key"}, {"bearer": true}]"#);
    assert_eq!(asks(&both).as_deref(), Some("Bearer realm=\"quickstart\""));
    let header_only = config(r#"[{"header": "x-api-key"}]"#);
    assert_eq!(asks(&header_only).as_deref(), Some("ApiKey realm=\"quickstart\""));
    let forbidden = Told::new(Cause::Policy, "x", false);
    assert_eq!(header(&answer(Some(&both), &forbidden, "id", &[]), "www-authenticate"), None);
}

#[test]
fn a_revoked_key_looks_unknown_unless_revealed() {
    let hidden = Told::new(Cause::KeyRevoked, "revoked by policy", false);
    assert_eq!(hidden, Told::new(Cause::UnknownKey, Cause::UnknownKey.detail(), false));
    let shown = Told { cause: Cause::KeyRevoked, status: 403, detail: "x" };
    assert_eq!(Told::new(Cause::KeyRevoked, "x", true), shown);
}

#[test]
fn a_decoy_looks_unknown_whatever_is_revealed() {
    let unknown = Told::new(Cause::UnknownKey, Cause::UnknownKey.detail(), false);
    for reveal in [false, true] {
        assert_eq!(Told::new(Cause::DecoyKey, "by policy", reveal), unknown);
    }
}

#[test]
fn grpc_is_told_by_its_content_type() {
    let is = |kind: &str| is_grpc(&[("content-type", kind)].into_iter().collect());
    assert!(is("application/grpc") && is("application/grpc+proto"));
    // As Envoy has it: else what it is told to answer as gRPC goes out as a plain 200.
    assert!(!is("application/grpc;x") && !is("application/grpc ") && !is("Application/grpc"));
    assert!(
        !is("application/grpc-web") && !is("application/json") && !is_grpc(&Headers::default())
    );
    assert_eq!(grpc_status(401) as u32, 16);
    assert_eq!(grpc_status(403) as u32, 7);
    assert_eq!(grpc_status(503) as u32, 14);
}
