//! Envoy gets another configuration while a bundle is being loaded.

use crate::bulk::template;
use cedarkey_host_kit::bulk::Keys;
use cedarkey_host_kit::deployment::{LIMIT, Result, request, start};
use cedarkey_host_kit::source::Source;
use cedarkey_host_kit::wait;
use serde_json::{Value, json};
use std::fs;

#[test]
fn a_listener_that_is_replaced_while_a_bundle_is_loaded_loses_nothing() -> Result<()> {
    let (deployment, template) = template(["team:operations", "team:payments"])?;
    let keys = |revoked| Keys { count: 60_000, kind: &|_| 0, revoked };
    let source = Source::start()?;
    source.publish(&template.bundle(1, &keys(&[1]))?);

    // As rendered, but that the listener is in a file of its own.
    let publisher = source.address().to_string();
    let rendered = deployment.render(&["--publisher", &publisher, "--format", "json"])?;
    let mut config: Value = serde_json::from_str(&template.configure(&rendered))?;
    let listeners = config.pointer_mut("/static_resources/listeners").map(Value::take);
    let listener = listeners.and_then(|list| list.get(0).cloned()).ok_or("there is no listener")?;
    let file = deployment.file("listeners.json");
    let write = |reveal: bool| -> Result<()> {
        let mut listener = listener.clone();
        let kind = "type.googleapis.com/envoy.config.listener.v3.Listener";
        if let Some(fields) = listener.as_object_mut() {
            fields.insert("@type".into(), kind.into());
        }
        let mut text = json!({ "resources": [listener] }).to_string();
        if reveal {
            text = text.replace(r#"\"reveal_revoked\":false"#, r#"\"reveal_revoked\":true"#);
        }
        let new = deployment.file("listeners.new");
        fs::write(&new, text)?;
        Ok(fs::rename(new, &file)?)
    };
    write(false)?;
    if let Some(config) = config.as_object_mut() {
        let path = file.to_string_lossy();
        config.insert("node".into(), json!({ "id": "edge/1", "cluster": "tests" }));
        let source =
            json!({ "path_config_source": { "path": path }, "resource_api_version": "V3" });
        config.insert("dynamic_resources".into(), json!({ "lds_config": source }));
    }
    if let Some(resources) = config.pointer_mut("/static_resources").and_then(Value::as_object_mut)
    {
        resources.remove("listeners");
    }
    let envoy = start(&config.to_string())?;
    let ask = |number| -> Result<u16> {
        let token = template.token(number)?;
        Ok(request(&envoy, "GET", "/v1/orders", &[("x-api-key", &token)])?.status)
    };
    // A worker that gets the request has the bundle or says that it has none.
    let decides = |revoked: u64, status: u16| {
        let valid = 3 - revoked;
        (0..20).all(|_| ask(revoked).ok() == Some(status) && ask(valid).ok() == Some(200))
    };
    wait::until("version 1 is in force", LIMIT, || decides(1, 401).then_some(()))?;
    let poll = source.last_poll();
    assert_eq!(poll.get("x-cedarkey-node").and_then(|v| v.to_str().ok()), Some("edge%2F1"));

    // Every shard is another; the listener is replaced while they come.
    source.publish(&template.renewed(2, &keys(&[2]))?);
    wait::until("the fetch has begun", LIMIT, || {
        let name = "cluster.cedarkey_publisher.upstream_rq_completed";
        (envoy.stats(name).ok()?.get(name) > Some(&24)).then_some(())
    })?;
    write(true)?;
    wait::until("the listener was replaced", LIMIT, || {
        let name = "listener_manager.listener_modified";
        envoy.stats(name).ok()?.get(name).filter(|count| **count > 0).copied()
    })?;
    wait::until("version 2 is in force, in the new listener", LIMIT, || {
        decides(2, 403).then_some(())
    })?;
    let stats = envoy.stats("wasmcustom.cedarkey_")?;
    assert_eq!(stats.get("wasmcustom.cedarkey_bundle_version"), Some(&2), "{stats:?}");
    assert_eq!(stats.get("wasmcustom.cedarkey_decisions_keys_unavailable"), Some(&0), "{stats:?}");
    Ok(())
}
