//! `cedarkey fleet status`

use crate::project::{Project, Result};
use crate::server::Server;
use rustix::process::Signal;
use serde_json::Value;

/// Asks for the bundle, as a proxy that has a version in force.
fn poll(server: &Server, node: &str, active: Option<u64>, error: Option<&str>) -> Result {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let url = format!("{}/v1/bundles/shop/manifest", server.url);
        let mut request = reqwest::Client::new().get(url).header("x-cedarkey-node", node);
        request = request.header("x-cedarkey-filter", "0.1.0");
        if let Some(version) = active {
            request = request.header("x-cedarkey-active", format!("{version};since=1767225600"));
        }
        if let Some(error) = error {
            request = request.header("x-cedarkey-error", error);
        }
        request.send().await?.error_for_status()?;
        Ok(())
    })
}

#[test]
fn it_shows_who_has_what_and_who_lags() -> Result {
    let project = Project::new()?;
    let server = Server::start(&project)?;
    let url = server.url.clone();
    let push = || -> Result<u64> {
        let said = project.json(&["push", "--to", &url])?;
        Ok(said.pointer("/version").and_then(Value::as_u64).unwrap_or_default())
    };
    let status = ["fleet", "status", "--publisher", &url];
    let strict = ["fleet", "status", "--publisher", &url, "--fail-on-lag", "--max-lag", "0s"];

    let said = project.run(&status)?;
    assert_eq!(said.status, Some(8), "{}", said.stderr);
    assert!(said.stderr.contains("no bundle `shop` was ever pushed"), "{}", said.stderr);

    let first = push()?;
    let empty = project.run(&status)?.success()?;
    assert!(empty.contains("no proxy that has a name has asked for it yet"), "{empty}");

    poll(&server, "edge-1", Some(first), None)?;
    let said = project.run(&strict)?;
    assert_eq!(said.status, Some(0), "{}", said.stdout);
    assert!(said.stdout.contains("1 proxy, 0 lag"), "{}", said.stdout);

    let second = push()?;
    poll(&server, "edge-2", Some(second), None)?;
    poll(&server, "edge-3", Some(second), Some("unknown_signer"))?;
    // Behind by a moment, which is as good as current if it is not asked for strictly.
    let human = project.run(&[&status[..], &["--fail-on-lag"]].concat())?;
    assert_eq!(human.status, Some(10), "{}", human.stdout);
    for words in ["PROXY", "edge-1", "behind", "failing (unknown_signer)", "3 proxies, 1 lags"] {
        assert!(human.stdout.contains(words), "no `{words}` in: {}", human.stdout);
    }

    poll(&server, "edge-3", Some(second), None)?;
    assert_eq!(project.run(&[&status[..], &["--fail-on-lag"]].concat())?.status, Some(0));
    let view = project.json(&status)?;
    assert_eq!(view.pointer("/newest/version"), Some(&second.into()));
    let states: Vec<_> = view
        .pointer("/proxies")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|proxy| Some((proxy.get("node")?.as_str()?, proxy.get("state")?.as_str()?)))
        .collect();
    assert_eq!(states, [("edge-1", "behind"), ("edge-2", "current"), ("edge-3", "current")]);
    assert_eq!(view.pointer("/proxies/1/since"), Some(&"2026-01-01T00:00:00Z".into()));
    server.stop(Signal::TERM)?;
    Ok(())
}
