//! The access log has a record of each decision that is to be recorded.

use crate::{deploy, every_worker, issue};
use cedarkey_host_kit::deployment::{Answer, Deployment, Issued, LIMIT, Result, request, start};
use cedarkey_host_kit::envoy::Envoy;
use cedarkey_host_kit::wait;
use serde_json::{Value, json};

/// The lines of the access log.
fn lines(envoy: &Envoy) -> Vec<Value> {
    let log = envoy.log();
    log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// The record in a line.
fn record(line: &Value) -> Value {
    let text = line.get("record").and_then(Value::as_str).unwrap_or_default();
    serde_json::from_str(text).unwrap_or_default()
}

/// The line with the record of an answer, which tells its id, and that record without the id and
/// the version of the bundle.
fn told(envoy: &Envoy, answer: &Answer) -> Result<(Value, Value)> {
    let echoed = answer.json().pointer("/headers/x-cedarkey-decision-id/0").cloned();
    let id = answer.json().get("decision_id").cloned().or(echoed).ok_or("no id")?;
    let line = wait::until("the decision is in the log", LIMIT, || {
        lines(envoy).into_iter().find(|line| record(line).get("id") == Some(&id))
    })?;
    let mut record = record(&line);
    let fields = record.as_object_mut().ok_or("no record")?;
    fields.remove("id");
    let is_numbered = fields.remove("bundle").is_some_and(|version| version.is_u64());
    assert_eq!(is_numbered, fields.get("cause") != Some(&"no_bundle".into()), "{line}");
    Ok((line, record))
}

/// A deployment as [`deploy`] makes it, with a key besides that is known and revoked.
fn deploy_with_revoked(which: &str) -> Result<(Deployment, [Issued; 2], Envoy)> {
    let (deployment, reader, envoy) = deploy(&["--record", which])?;
    let [revoked, last] = [issue(&deployment, "90d")?, issue(&deployment, "90d")?];
    deployment.cedarkey(&["keys", "revoke", &revoked.id, "--reason", "tests"])?;
    deployment.push()?;
    every_worker(&envoy, 200, &[("x-api-key", &last.token)])?;
    Ok((deployment, [reader, revoked], envoy))
}

#[test]
fn each_decision_is_recorded_with_who_what_and_why() -> Result<()> {
    let (_deployment, [reader, revoked], envoy) = deploy_with_revoked("all")?;
    let ask = |token: &str, method: &str, path: &str| {
        request(&envoy, method, path, &[("x-api-key", token), ("x-cedarkey-key-id", "another")])
    };
    let path = "/v1/orders/7?a=1";
    let (line, of_allowed) = told(&envoy, &ask(&reader.token, "GET", path)?)?;
    println!("{line}");
    let owner = "team:payments";
    let expected = json!({
        "decision": "allow", "key": reader.id, "owner": owner, "action": "orders.read",
        "policies": ["grant.payments-orders"],
    });
    assert_eq!(of_allowed, expected);
    assert_eq!(
        (&line["status"], &line["method"], &line["path"]),
        (&json!(200), &json!("GET"), &json!(path))
    );

    // The caller is told that the key is unknown; the log is told why it is.
    let answer = ask(&revoked.token, "GET", "/v1/orders")?;
    assert_eq!(answer.json()["type"], "urn:cedarkey:denied:unknown_key");
    for (answer, expected) in [
        (
            answer,
            json!({
                "cause": "key_revoked", "key": revoked.id, "owner": owner,
                "action": "orders.read", "policies": ["guardrail.revoked"],
            }),
        ),
        (
            ask(&reader.token, "DELETE", "/v1/orders/7")?,
            json!({
                "cause": "policy", "key": reader.id, "owner": owner, "action": "orders.write",
                "policies": ["guardrail.scope"],
            }),
        ),
        (
            ask(&reader.token, "GET", "/v1/invoices")?,
            json!({ "cause": "no_route", "key": reader.id, "owner": owner }),
        ),
        (ask("\"},{\"record\":\"", "GET", "/")?, json!({ "cause": "malformed_key" })),
    ] {
        let (line, mut told) = told(&envoy, &answer)?;
        let decision = told.as_object_mut().and_then(|fields| fields.remove("decision"));
        assert_eq!(decision, Some("deny".into()), "{line}");
        assert_eq!(told, expected, "{line}");
    }
    // Two keys are none, but there is a bundle all the same.
    let twice = [("x-api-key", reader.token.as_str()), ("x-api-key", "another")];
    let (_, unclear) = told(&envoy, &request(&envoy, "GET", "/v1/orders", &twice)?)?;
    assert_eq!(unclear, json!({ "decision": "deny", "cause": "malformed_key" }));
    // Who is denied may have written its key anywhere.
    let path = format!("/v1/orders/{0}?a=1&API_KEY={0}", reader.token);
    let (line, _) = told(&envoy, &ask(&reader.token, "DELETE", &path)?)?;
    assert_eq!(line["path"], "/v1/orders/-?a=1");
    let log = envoy.log();
    assert!(!log.contains(&reader.token) && !log.contains(&revoked.token));
    Ok(())
}

#[test]
fn only_denials_are_recorded_where_only_they_are_to_be() -> Result<()> {
    let (_deployment, [reader, revoked], envoy) = deploy_with_revoked("denied")?;
    let ask = |key: &Issued| request(&envoy, "GET", "/v1/orders", &[("x-api-key", &key.token)]);
    assert_eq!(ask(&reader)?.status, 200);
    told(&envoy, &ask(&revoked)?)?;
    assert!(lines(&envoy).iter().all(|line| record(line)["decision"] == "deny"));
    Ok(())
}

#[test]
fn what_is_denied_for_want_of_a_bundle_is_recorded() -> Result<()> {
    let deployment = Deployment::new()?;
    let options = ["--publisher", "127.0.0.1:1", "--record", "denied"];
    let envoy = start(&deployment.render(&options)?)?;
    let (line, told) = told(&envoy, &request(&envoy, "GET", "/v1/orders", &[])?)?;
    assert_eq!(told, json!({ "decision": "deny", "cause": "no_bundle" }));
    assert_eq!(line["status"], 503);
    Ok(())
}
