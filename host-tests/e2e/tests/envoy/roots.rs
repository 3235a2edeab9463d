//! Several configurations of the filter in one VM.

use crate::issue;
use cedarkey_host_kit::deployment::{
    Deployment, LIMIT, Result, configure, in_force, request_to, start,
};
use cedarkey_host_kit::wait;
use serde_json::{Value, json};

/// Where the filter is in a listener.
const FILTER: &str = "/filter_chains/0/filters/0/typed_config/http_filters/0";

#[test]
fn each_listener_decides_by_its_own_configuration() -> Result<()> {
    let mut deployment = Deployment::new()?;
    let publisher = deployment.publish(None)?.to_string();
    let reader = issue(&deployment, "90d")?;
    deployment.push()?;
    let rendered = deployment.render(&["--publisher", &publisher, "--format", "json"])?;
    let mut config: Value = serde_json::from_str(&rendered)?;
    let listeners = config.pointer_mut("/static_resources/listeners");
    let listeners = listeners.and_then(Value::as_array_mut).ok_or("no listeners")?;
    // The same VM, for the module and what it is given are the same, but another configuration.
    for name in ["second", "third"] {
        let mut other = listeners.first().ok_or("no listener")?.clone();
        *other.get_mut("name").ok_or("no name")? = name.into();
        let filter = other.pointer_mut(FILTER).ok_or("no filter")?;
        let places = json!([{ "header": format!("x-{name}-key") }]);
        configure(filter, |own| drop(own.insert("key_from".into(), places)))?;
        listeners.push(other);
    }
    let envoy = start(&config.to_string())?;
    in_force(&envoy)?;

    let headers = [("api", "x-api-key"), ("second", "x-second-key"), ("third", "x-third-key")];
    let ask = |listener: &str, header: &str| -> Result<u16> {
        let key = [(header, reader.token.as_str())];
        Ok(request_to(listener, &envoy, "GET", "/v1/orders", &key)?.status)
    };
    wait::until("every listener lets its own keys pass", LIMIT, || {
        let passes =
            |(listener, header): &(&str, &str)| ask(listener, header).is_ok_and(|s| s == 200);
        (0..10).all(|_| headers.iter().all(passes)).then_some(())
    })?;
    for _ in 0..20 {
        for (at, (listener, _)) in headers.iter().enumerate() {
            for (other, (_, header)) in headers.iter().enumerate() {
                let expected = if at == other { 200 } else { 401 };
                assert_eq!(ask(listener, header)?, expected, "{header} at {listener}");
            }
        }
    }
    // A VM for each thread and configuration would be nine.
    let vms = envoy.stats("wasm.envoy.wasm.runtime.v8.active")?;
    assert!(vms.values().all(|count| *count < 9), "{vms:?}");
    Ok(())
}
