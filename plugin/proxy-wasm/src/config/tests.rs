//! Every mistake is named by its field.

use super::*;
use serde_json::{Value, json};

const KEY: &str = "ed25519:O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik=";

fn parse(change: impl FnOnce(&mut Value)) -> Result<Config, String> {
    let mut json = json!({
        "bundle": "quickstart",
        "trusted_keys": [KEY],
        "publisher": { "cluster": "publisher" },
        "usage": {},
    });
    change(&mut json);
    Config::parse(json.to_string().as_bytes()).map_err(|error| error.to_string())
}

/// Sets the value at a path such as `publisher.cluster`, and gives the error's text.
#[track_caller]
fn wrong(path: &str, value: Value) -> String {
    let pointer = format!("/{}", path.replace('.', "/"));
    let (outer, name) = pointer.rsplit_once('/').unwrap();
    parse(|json| json.pointer_mut(outer).unwrap()[name] = value).unwrap_err()
}

#[test]
fn the_least_configuration_has_safe_defaults() {
    let config = parse(|_| ()).unwrap();
    assert_eq!(config.key_from, [Location::Header("x-api-key".into()), Location::Bearer]);
    assert_eq!(config.on_policy_error, OnPolicyError::Deny);
    assert!(!config.serve_stale && !config.reveal_revoked && !config.reveal_policies);
    assert_eq!((config.min_version, config.seed), (0, None));
    assert_eq!(config.record, Recording::None);
    let publisher = Publisher {
        cluster: "publisher".into(),
        authority: "cedarkey-publisher".into(),
        wait_seconds: 30,
    };
    assert_eq!(config.publisher, Some(publisher));
    let usage = Reporting { every: 60_000, networks: false };
    assert_eq!(config.usage, Some(usage));
    let silent = parse(|json| drop(json.as_object_mut().unwrap().remove("usage"))).unwrap();
    assert_eq!(silent.usage, Some(usage));
    let seeded = |json: &mut Value| {
        *json = json!({ "bundle": "a", "trusted_keys": [KEY], "seed": "AAEC" });
    };
    assert_eq!(parse(seeded).unwrap().usage, None, "there is nobody to report to");
}

#[test]
fn everything_can_be_set() {
    let config = parse(|json| {
        *json = json!({
            "bundle": "a", "trusted_keys": [KEY], "seed": "AAEC", "min_version": 7,
            "publisher": { "cluster": "c", "authority": "p:1", "wait_seconds": 60 },
            "key_from": [{"cookie": "k"}, {"query": "api key"}, {"header": "X-Key"}],
            "reveal_revoked": true, "reveal_policies": true,
            "on_policy_error": "cedar", "on_stale": "serve",
            "record": "all", "usage": { "every_seconds": 5, "networks": true },
        });
    });
    let config = config.unwrap();
    assert_eq!((config.seed.as_deref(), config.min_version), (Some(&[0, 1, 2][..]), 7));
    let places = [
        Location::Cookie("k".into()),
        Location::Query("api key".into()),
        Location::Header("x-key".into()),
    ];
    assert_eq!(config.key_from, places);
    assert!(config.reveal_revoked && config.reveal_policies && config.serve_stale);
    assert_eq!(config.on_policy_error, OnPolicyError::Cedar);
    assert_eq!(config.record, Recording::All);
    let denied = parse(|json| json["record"] = "denied".into()).unwrap();
    assert_eq!(denied.record, Recording::Denied);
    assert_eq!(config.usage, Some(Reporting { every: 5_000, networks: true }));
    let off = parse(|json| json["usage"]["enabled"] = false.into());
    assert_eq!(off.unwrap().usage, None);
    let publisher = config.publisher.unwrap();
    assert_eq!((publisher.authority.as_str(), publisher.wait_seconds), ("p:1", 60));
}

#[test]
fn a_missing_or_unknown_field_is_named() {
    let missing = |name: &'static str| {
        let message = parse(|json| drop(json.as_object_mut().unwrap().remove(name))).unwrap_err();
        assert!(message.starts_with(&format!("field `{name}`: it is missing")), "{message}");
    };
    missing("bundle");
    missing("trusted_keys");
    missing("publisher");
    assert_eq!(wrong("publisher", json!({})), "field `publisher.cluster`: it is missing");
    let message = wrong("bundel", "x".into());
    assert!(message.starts_with("unknown field `bundel`; there are `bundle`, "), "{message}");
    let message = wrong("publisher.url", "x".into());
    assert!(message.starts_with("unknown field `publisher.url`; there are "), "{message}");
    let message = wrong("key_from", json!([{"Header": "x"}]));
    assert!(message.starts_with("unknown field `key_from[0].Header`"), "{message}");
}

#[test]
fn a_value_of_another_kind_is_named() {
    for (path, value, kind) in [
        ("bundle", json!(1), "a number instead of a string"),
        ("trusted_keys", json!("x"), "a string instead of a list"),
        ("publisher", json!(null), "`null` instead of an object"),
        ("publisher.cluster", json!({}), "an object instead of a string"),
        ("publisher.wait_seconds", json!("30"), "a string instead of a whole number"),
        ("seed", json!([]), "a list instead of a string"),
        ("min_version", json!(true), "`true` or `false` instead of a whole number"),
        ("key_from", json!({}), "an object instead of a list"),
        ("reveal_revoked", json!("true"), "a string instead of `true` or `false`"),
        ("on_stale", json!(true), "`true` or `false` instead of a string"),
    ] {
        let message = wrong(path, value);
        assert!(message.starts_with(&format!("field `{path}`: it is {kind}")), "{message}");
    }
    let message = wrong("trusted_keys", json!([KEY, 1]));
    assert_eq!(
        message,
        "field `trusted_keys[1]`: it is a number instead of a public key or {\"key\", \"not_before\", \"not_after\"}"
    );
}

#[test]
fn a_value_that_cannot_be_is_named() {
    for (path, value, field) in [
        ("bundle", json!("A b"), "bundle"),
        ("trusted_keys", json!([]), "trusted_keys"),
        ("trusted_keys", json!(["ed25519:AAAA"]), "trusted_keys"),
        ("trusted_keys", json!([KEY, KEY]), "trusted_keys"),
        ("publisher.cluster", json!(""), "publisher.cluster"),
        ("publisher.authority", json!("a\nb"), "publisher.authority"),
        ("publisher.wait_seconds", json!(61), "publisher.wait_seconds"),
        ("publisher.wait_seconds", json!(0), "publisher.wait_seconds"),
        ("publisher.wait_seconds", json!(4_294_967_326_u64), "publisher.wait_seconds"),
        ("usage.every_seconds", json!(0), "usage.every_seconds"),
        ("usage.every_seconds", json!(3601), "usage.every_seconds"),
        ("usage.enabled", json!("yes"), "usage.enabled"),
        ("min_version", json!(-1), "min_version"),
        ("min_version", json!(1.5), "min_version"),
        ("seed", json!("!"), "seed"),
        ("on_stale", json!("allow"), "on_stale"),
        ("record", json!("some"), "record"),
        ("on_policy_error", json!("Deny"), "on_policy_error"),
        ("key_from", json!([]), "key_from"),
        ("key_from", json!([{}]), "key_from[0]"),
        ("key_from", json!([{"bearer": true}, {"bearer": true}]), "key_from[1]"),
        ("key_from", json!([{"header": "A"}, {"header": "a"}]), "key_from[1]"),
        ("key_from", json!([{"header": "a", "query": "b"}]), "key_from[0]"),
        ("key_from", json!([{"bearer": false}]), "key_from[0].bearer"),
        ("key_from", json!([{"header": "x y"}]), "key_from[0].header"),
        ("key_from", json!([{"header": ":path"}]), "key_from[0].header"),
        ("key_from", json!([{"header": "Host"}]), "key_from[0].header"),
        ("key_from", json!([{"header": "Authorization"}]), "key_from[0].header"),
        ("key_from", json!([{"header": "x-cedarkey-owner"}]), "key_from[0].header"),
        ("key_from", json!([{"query": ""}]), "key_from[0].query"),
        ("key_from", json!([{"cookie": "a=b"}]), "key_from[0].cookie"),
    ] {
        let message = wrong(path, value);
        assert!(message.starts_with(&format!("field `{field}`: ")), "{message}");
    }
}

#[test]
fn what_is_no_object_is_told() {
    let message = |text: &str| Config::parse(text.as_bytes()).unwrap_err().to_string();
    assert_eq!(message(""), "the configuration is empty");
    assert_eq!(message("[]"), "the configuration is a list instead of an object");
    assert!(message("[").starts_with("it is not JSON: "));
    assert!(message("bundle: quickstart").starts_with("it is not JSON: "));
    assert_eq!(message(r#"{"seed": "", "seed": ""}"#), "field `seed` is given twice");
}

#[test]
fn a_key_is_trusted_for_a_time() {
    let trusted = |value: Value| parse(|json| json["trusted_keys"] = value);
    let key = |from: &str, to: &str| json!([{ "key": KEY, "not_before": from, "not_after": to }]);
    let config = trusted(key("2027-01-01", "2027-01-02T12:00:00Z")).unwrap();
    let start = 1_798_761_600_000;
    let holds = |at: i64| config.trusted.iter().any(|key| key.holds_at(start + at));
    assert_eq!([-1, 0, 129_599_999, 129_600_000].map(holds), [false, true, true, false]);
    let forever = trusted(json!([{ "key": KEY }])).unwrap();
    assert!(forever.trusted[0].holds_at(i64::MIN) && forever.trusted[0].holds_at(i64::MAX - 1));
    for (value, field) in [
        (key("yesterday", "2027-01-01"), "`trusted_keys[0].not_before`: `yesterday` is not a date"),
        (key("2027-01-02", "2027-01-02"), "`trusted_keys[0]`: `not_after` is not after"),
        (json!([{ "key": KEY, "until": "2027-01-01" }]), "`trusted_keys[0].until`"),
        (json!([{ "not_after": "2027-01-01" }]), "`trusted_keys[0].key`"),
        (json!([KEY, { "key": KEY }]), "is named twice"),
    ] {
        let message = trusted(value).unwrap_err();
        assert!(message.contains(field), "{message}");
    }
}
