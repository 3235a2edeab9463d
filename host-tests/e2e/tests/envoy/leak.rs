//! GitHub finds a token: from its request to the publisher to the first denial.

use crate::stop::Connection;
use crate::{every_worker, issue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cedarkey_host_kit::deployment::{Deployment, LIMIT, NAME, Result, in_force};
use cedarkey_host_kit::process::Process;
use rcgen::{KeyPair, SigningKey};
use serde_json::{Value, json};
use std::fs;
use std::time::Instant;

/// Signs and sends what was found, as GitHub does; the answer's body.
fn tell(publisher: &str, key: &KeyPair, body: &str) -> Result<Value> {
    let agent = ureq::Agent::new_with_config(
        ureq::Agent::config_builder().timeout_global(Some(LIMIT)).build(),
    );
    let mut answer = agent
        .post(format!("{publisher}/v1/findings/{NAME}/github"))
        .header("Github-Public-Key-Identifier", "test")
        .header("Github-Public-Key-Signature", STANDARD.encode(key.sign(body.as_bytes())?))
        .send(body)?;
    Ok(serde_json::from_str(&answer.body_mut().read_to_string()?)?)
}

fn entries(deployment: &Deployment) -> Result<usize> {
    let audit = deployment.cedarkey(&["audit", "list", "--format", "json"])?;
    let audit: Value = serde_json::from_str(&audit)?;
    let entries = audit.as_array().or_else(|| audit.pointer("/entries")?.as_array());
    Ok(entries.ok_or("no entries")?.len())
}

#[test]
fn a_key_that_github_has_found_is_refused() -> Result<()> {
    let mut deployment = Deployment::new()?;
    let key = KeyPair::generate()?;
    let keys = deployment.file("github.json");
    let public = json!([{ "key_identifier": "test", "key": key.public_key_pem() }]);
    fs::write(&keys, json!({ "public_keys": public }).to_string())?;
    deployment.publish_with(None, &["--github-keys", &keys.to_string_lossy()])?;
    let (leaked, other) = (issue(&deployment, "90d")?, issue(&deployment, "90d")?);
    deployment.push()?;
    let envoy = deployment.envoy(&[])?;
    in_force(&envoy)?;
    let publisher = deployment.publisher()?;
    let mut watch = deployment.command(&["leak", "watch", "--from", &publisher]);
    let mut watch = Process::start(&mut watch, &deployment.file("watch.log"))?;
    let log = deployment.file("watch.log");
    let said = |text: &str| fs::read_to_string(&log).is_ok_and(|log| log.contains(text));
    watch.until("it waits", LIMIT, || said("waiting for what is found").then_some(()))?;
    let mut connection = Connection::open(&envoy, &leaked.token)?;
    assert_eq!(connection.next()?, 200);

    let url = "https://github.com/octocat/Hello-World/blob/main/run.sh";
    let found = json!([{ "token": leaked.token, "type": "ck", "url": url, "source": "commit" }]);
    let begun = Instant::now();
    tell(&publisher, &key, &found.to_string())?;
    connection.until(401)?;
    println!("from GitHub's request to the first denial: {} ms", begun.elapsed().as_millis());
    every_worker(&envoy, 401, &[("x-api-key", &leaked.token)])?;
    every_worker(&envoy, 200, &[("x-api-key", &other.token)])?;
    watch.until("it says so", LIMIT, || said("pushed version").then_some(()))?;
    assert!(said(&format!("revoked {}", leaked.id)) && said("tell team:payments"));
    let shown = deployment.cedarkey(&["keys", "show", &leaked.id, "--format", "json"])?;
    let shown: Value = serde_json::from_str(&shown)?;
    let reason = shown.pointer("/reason").and_then(Value::as_str);
    assert_eq!(reason, Some(&*format!("leaked: found by GitHub (ck) in commit, {url}")));

    // The same again is known, and another place is answered without a change.
    let before = entries(&deployment)?;
    tell(&publisher, &key, &found.to_string())?;
    let again = json!([{ "token": leaked.token, "type": "ck", "url": format!("{url}#L2") }]);
    tell(&publisher, &key, &again.to_string())?;
    watch.until("it says so again", LIMIT, || said("run.sh#L2").then_some(()))?;
    assert_eq!(entries(&deployment)?, before);
    assert_eq!(fs::read_to_string(&log)?.matches("run.sh\n").count(), 1);
    watch.stop()?;
    Ok(())
}
