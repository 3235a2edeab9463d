//! `cedarkey rollback`, and `cedarkey versions` beside it.

use crate::project::{Project, Result};
use crate::server::Server;
use cedarkey_host_kit::wait;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fs;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);

/// The version that was pushed.
fn push(project: &Project, url: &str) -> Result<u64> {
    let said = project.json(&["push", "--to", url])?;
    Ok(said.pointer("/version").and_then(Value::as_u64).unwrap_or_default())
}

#[test]
fn an_earlier_version_comes_back_without_the_keys_that_were_revoked() -> Result {
    let project = Project::new()?;
    let issue = |purpose| {
        let member = ["--owner", "team:payments", "--team", "payments", "--scope", "orders:read"];
        project.json(&[&["keys", "issue", "--purpose", purpose], &member[..]].concat())
    };
    let text = |value: &Value, at| value.pointer(at).and_then(Value::as_str).map(String::from);
    let (stays, goes) = (issue("stays")?, issue("goes")?);
    let server = Server::start(&project)?;
    let url = server.url.clone();
    let good = push(&project, &url)?;

    // What is to be undone: a policy that forbids all, and a key that must not come back.
    let policy = project.path("shop/policies/mistake.cedar");
    fs::write(&policy, "@id(\"mistake\")\nforbid (principal, action, resource);\n")?;
    let id = text(&goes, "/key/id").unwrap_or_default();
    project.run(&["keys", "revoke", &id, "--reason", "lost"])?.success()?;
    let bad = push(&project, &url)?;

    let to = good.to_string();
    let rollback = ["rollback", "--to", &to, "--publisher", &url];
    let done = project.json(&rollback)?;
    let version = done.pointer("/version").and_then(Value::as_u64).unwrap_or_default();
    assert!(version > bad && bad > good, "{good} {bad} {version}");
    assert_eq!(done.pointer("/from"), Some(&bad.into()));
    assert_eq!(done.pointer("/to"), Some(&good.into()));
    assert_eq!(done.pointer("/stillRevoked"), Some(&1.into()));

    let listed = project.json(&["versions", "--publisher", &url])?;
    let listed = listed.pointer("/versions").and_then(Value::as_array).cloned().unwrap_or_default();
    let versions: Vec<_> =
        listed.iter().filter_map(|entry| entry.get("version")?.as_u64()).collect();
    assert_eq!(versions, [version, bad, good]);

    let bundle = server.download("shop")?;
    let file = project.path("downloaded.ckb");
    fs::write(&file, bundle)?;
    for (key, status, by) in [(&stays, Some(0), "ALLOW"), (&goes, Some(2), "DENY")] {
        let token = text(key, "/token").unwrap_or_default();
        let file = file.to_string_lossy();
        let said = project.run(&["eval", &file, "--token", &token, "--path", "/v1/orders/7"])?;
        assert_eq!(said.status, status, "{}{}", said.stdout, said.stderr);
        assert!(said.stdout.contains(by), "{by}: {}", said.stdout);
        assert!(!said.stdout.contains("mistake"), "{}", said.stdout);
    }

    // From there, forward and back again.
    let human = project.run(&rollback)?.success()?;
    assert!(
        human.contains(&format!("rolled back shop from version {version} to {good}")),
        "{human}"
    );
    server.stop(Signal::TERM)?;
    Ok(())
}

#[test]
fn a_rollback_takes_keys_and_gives_none_back_and_says_which() -> Result {
    let project = Project::new()?;
    let issue = |name| {
        let owner = ["--owner", "team:payments", "--purpose", "tests", "--name", name];
        let said = project.json(&[&["keys", "issue"], &owner[..]].concat())?;
        let token = said.pointer("/token").and_then(Value::as_str).unwrap_or_default();
        let id = said.pointer("/key/id").cloned().unwrap_or_default();
        Ok::<_, Box<dyn std::error::Error>>((id, token.to_owned()))
    };
    issue("stays")?;
    let ((resumed, _), (replaced, token)) = (issue("resumed")?, issue("replaced")?);
    project.run(&["keys", "suspend", "resumed", "--reason", "tests"])?.success()?;
    let server = Server::start(&project)?;
    let url = server.url.clone();
    let good = push(&project, &url)?;
    let owner = ["--owner", "team:payments", "--purpose", "tests", "--name", "issued"];
    let pushed = project.run(&[&["keys", "issue", "--push", &url], &owner[..]].concat())?;
    assert!(pushed.stderr.contains("pushed version"), "{}", pushed.stderr);
    let issued = project.json(&["keys", "show", "issued"])?;
    let issued = issued.pointer("/id").cloned().unwrap_or_default();
    project.run(&["keys", "resume", "resumed"])?.success()?;
    let next = project.json(&["keys", "rotate", "replaced", "--overlap", "0s"])?;
    let next = next.pointer("/key/id").cloned().unwrap_or_default();
    let old = replaced.as_str().unwrap_or_default();
    wait::until("the replaced key has ended", LIMIT, || {
        let shown = project.json(&["keys", "show", old]).ok()?;
        (shown.pointer("/status") == Some(&"expired".into())).then_some(())
    })?;
    push(&project, &url)?;

    let to = good.to_string();
    let rollback = ["rollback", "--to", &to, "--publisher", &url];
    let human = project.run(&rollback)?.success()?;
    let bounded = "1 key given an earlier end or a later beginning since: still so\n";
    assert!(human.contains(bounded), "{human}");
    let stopped = "3 keys unknown or refused until the next push:\n";
    assert!(human.contains(stopped) && !human.contains(old), "{human}");
    let said = decided(&project, &server, &token)?;
    assert!(said.contains("DENY") && said.contains("expired"), "{said}");

    push(&project, &url)?;
    let done = project.json(&rollback)?;
    assert_eq!(done.pointer("/stopped"), Some(&json!([resumed, issued, next])));
    assert_eq!(done.pointer("/stillBounded"), Some(&json!(1)));
    let again = project.json(&rollback)?;
    assert_eq!(again.pointer("/stopped"), Some(&json!([])));
    assert_eq!(again.pointer("/stillBounded"), Some(&json!(1)));
    server.stop(Signal::TERM)?;
    Ok(())
}

/// The id and the token of a new key that may read orders.
fn issue(project: &Project) -> Result<(String, String)> {
    let member = ["--owner", "team:payments", "--team", "payments", "--scope", "orders:read"];
    let issued = project.json(&[&["keys", "issue", "--purpose", "tests"], &member[..]].concat())?;
    let text = |at| issued.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok((text("/key/id"), text("/token")))
}

/// What a bundle of the publisher decides about a token.
fn decided(project: &Project, server: &Server, token: &str) -> Result<String> {
    let file = project.path("downloaded.ckb");
    fs::write(&file, server.download("shop")?)?;
    let eval = ["eval", &file.to_string_lossy(), "--token", token, "--path", "/v1/orders/7"];
    Ok(project.run(&eval)?.stdout)
}

#[test]
fn the_registry_is_asked_where_the_publisher_has_an_old_state() -> Result {
    let project = Project::new()?;
    let (id, token) = issue(&project)?;
    let (id, token) = (id.as_str(), token.as_str());
    let known = Server::start(&project)?;
    let other = project.path("other.db");
    let restored = Server::start_with(&project, &["--database", &other.to_string_lossy()], |_| ())?;
    let good = push(&project, &restored.url)?;
    push(&project, &restored.url)?;
    assert!(decided(&project, &restored, token)?.contains("ALLOW"));
    // One publisher learns of it; the other is as it was before.
    project.run(&["keys", "revoke", id, "--reason", "lost", "--push", &known.url])?.success()?;
    let rollback = ["rollback", "--to", &good.to_string(), "--publisher", &restored.url];
    let done = project.json(&rollback)?;
    assert_eq!(done.pointer("/stillRevoked"), Some(&json!(1)));
    let said = decided(&project, &restored, token)?;
    assert!(said.contains("DENY") && said.contains("revoked"), "{said}");
    known.stop(Signal::TERM)?;
    restored.stop(Signal::TERM)?;
    Ok(())
}

#[test]
fn what_a_key_signed_whose_time_is_over_is_not_signed_with_a_good_one() -> Result {
    let project = Project::new()?;
    let server = Server::start(&project)?;
    let good = push(&project, &server.url)?;
    push(&project, &server.url)?;
    // The project signs with another key, and its first one's time is over.
    let file = project.path("shop/cedarkey.toml");
    let before = fs::read_to_string(&file)?;
    let line =
        before.lines().find(|line| line.starts_with("trusted =")).ok_or("none is trusted")?;
    let old = line.split('"').nth(1).ok_or("none is trusted")?;
    fs::remove_file(project.path("shop/signing.key"))?;
    project.run(&["signing-key", "new"])?.success()?;
    let new = project.run(&["signing-key", "show"])?.success()?;
    let until = "not_after = \"2020-01-01T00:00:00Z\"";
    let over = format!("trusted = [{{ key = \"{old}\", {until} }}, \"{}\"]", new.trim());
    fs::write(&file, before.replace(line, &over))?;
    let rollback = ["rollback", "--to", &good.to_string(), "--publisher", &server.url];
    let said = project.run(&rollback)?;
    assert_eq!(said.status, Some(7), "{}{}", said.stdout, said.stderr);
    assert!(
        said.stderr.contains("is not by a key that this project trusts now"),
        "{}",
        said.stderr
    );
    server.stop(Signal::TERM)?;
    Ok(())
}

#[test]
fn a_key_is_revoked_although_the_project_has_errors() -> Result {
    let project = Project::new()?;
    let (id, token) = issue(&project)?;
    let (id, token) = (id.as_str(), token.as_str());
    let server = Server::start(&project)?;
    fs::write(project.path("shop/policies/broken.cedar"), "permit (")?;
    let revoke = ["keys", "revoke", id, "--reason", "lost", "--push", &server.url];
    // There is nothing yet that it could be added to.
    let said = project.run(&["keys", "suspend", id, "--reason", "lost", "--push", &server.url])?;
    assert_eq!(said.status, Some(3), "{}{}", said.stdout, said.stderr);
    fs::remove_file(project.path("shop/policies/broken.cedar"))?;
    project.run(&["keys", "resume", id, "--push", &server.url])?.success()?;
    assert!(decided(&project, &server, token)?.contains("ALLOW"));

    fs::write(project.path("shop/policies/broken.cedar"), "permit (")?;
    let said = project.run(&revoke)?;
    assert_eq!(said.status, Some(0), "{}{}", said.stdout, said.stderr);
    assert!(said.stderr.contains("the project has errors: proxies are told"), "{}", said.stderr);
    assert!(said.stderr.contains("broken.cedar"), "{}", said.stderr);
    assert!(decided(&project, &server, token)?.contains("DENY"));
    server.stop(Signal::TERM)?;
    Ok(())
}

#[test]
fn a_key_is_revoked_and_nothing_else_of_the_project_comes_into_force() -> Result {
    let project = Project::new()?;
    let ((lost, token), (_, other)) = (issue(&project)?, issue(&project)?);
    let server = Server::start(&project)?;
    let revoke = ["keys", "revoke", &lost, "--reason", "lost", "--refused-only", "--push"];
    let revoke = [&revoke[..], &[&server.url]].concat();
    let said = project.run(&revoke)?;
    assert!(said.status == Some(8) && said.stderr.contains("push it first"), "{}", said.stderr);
    let pushed = push(&project, &server.url)?;
    let policy = project.path("shop/policies/mistake.cedar");
    fs::write(&policy, "@id(\"mistake\")\nforbid (principal, action, resource);\n")?;
    let done = project.json(&revoke)?;
    // The list was pushed with the rest: there is nothing to add to it.
    assert_eq!(done.pointer("/version"), Some(&json!(pushed)));
    project
        .run(&[
            "keys",
            "suspend",
            "--owner",
            "team:payments",
            "--reason",
            "x",
            "--refused-only",
            "--push",
            &server.url,
        ])?
        .success()?;
    for token in [token, other] {
        let said = decided(&project, &server, &token)?;
        assert!(said.contains("DENY") && said.contains("revoked"), "{said}");
        assert!(!said.contains("mistake"), "{said}");
    }
    server.stop(Signal::TERM)?;
    Ok(())
}

#[test]
fn what_cannot_be_rolled_back_to() -> Result {
    let project = Project::new()?;
    let server = Server::start(&project)?;
    let url = server.url.clone();
    let rollback =
        |to: u64| project.run(&["rollback", "--to", &to.to_string(), "--publisher", &url]);
    let said = rollback(1)?;
    assert_eq!(said.status, Some(8));
    assert!(said.stderr.contains("no bundle `shop` was ever pushed"), "{}", said.stderr);
    let first = push(&project, &url)?;
    for to in [first, first.saturating_add(1)] {
        let said = rollback(to)?;
        assert_eq!(said.status, Some(4));
        let expected = format!("version {to} is not below {first}, the one in force");
        assert!(said.stderr.contains(&expected), "{}", said.stderr);
    }
    let said = rollback(1)?;
    assert_eq!(said.status, Some(8));
    assert!(said.stderr.contains("there is no version 1 of the bundle `shop`"), "{}", said.stderr);
    assert!(said.stderr.contains("`cedarkey versions` lists"), "{}", said.stderr);

    // What a key signed that is no longer trusted is not signed anew.
    push(&project, &url)?;
    let settings = project.path("shop/cedarkey.toml");
    fs::remove_file(project.path("shop/signing.key"))?;
    let old = fs::read_to_string(&settings)?;
    let untrusted: String = old
        .lines()
        .filter(|line| !line.starts_with("trusted"))
        .map(|line| format!("{line}\n"))
        .collect();
    fs::write(&settings, untrusted)?;
    project.run(&["signing-key", "new"])?.success()?;
    let said = rollback(first)?;
    assert_eq!(said.status, Some(7), "{}", said.stderr);
    assert!(
        said.stderr.contains("is not by a key that this project trusts now"),
        "{}",
        said.stderr
    );
    server.stop(Signal::TERM)?;
    Ok(())
}
