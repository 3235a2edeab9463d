//! `cedarkey rollback`, and `cedarkey versions` beside it.

use crate::project::{Project, READER, Result};
use crate::server::Server;
use cedarkey_host_kit::wait;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fs;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);

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
    let good = server.push(&project)?;

    // What is to be undone: a policy that forbids all, and a key that must not come back.
    let policy = project.path("shop/policies/mistake.cedar");
    fs::write(&policy, "@id(\"mistake\")\nforbid (principal, action, resource);\n")?;
    let id = text(&goes, "/key/id").unwrap_or_default();
    project.run(&["keys", "revoke", &id, "--reason", "lost"])?.success()?;
    let bad = server.push(&project)?;

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
    let issue = |name| project.issued(&["--name", name]);
    issue("stays")?;
    let ((resumed, _), (replaced, token)) = (issue("resumed")?, issue("replaced")?);
    project.run(&["keys", "suspend", "resumed", "--reason", "tests"])?.success()?;
    let server = Server::start(&project)?;
    let url = server.url.clone();
    let good = server.push(&project)?;
    let owner = ["--owner", "team:payments", "--purpose", "tests", "--name", "issued"];
    let pushed = project.run(&[&["keys", "issue", "--push", &url], &owner[..]].concat())?;
    assert!(pushed.stderr.contains("pushed version"), "{}", pushed.stderr);
    let issued = project.json(&["keys", "show", "issued"])?;
    let issued = issued.pointer("/id").cloned().unwrap_or_default();
    project.run(&["keys", "resume", "resumed"])?.success()?;
    let next = project.json(&["keys", "rotate", "replaced", "--overlap", "0s"])?;
    let next = next.pointer("/key/id").cloned().unwrap_or_default();
    let old = replaced.as_str();
    wait::until("the replaced key has ended", LIMIT, || {
        let shown = project.json(&["keys", "show", old]).ok()?;
        (shown.pointer("/status") == Some(&"expired".into())).then_some(())
    })?;
    server.push(&project)?;

    let to = good.to_string();
    let rollback = ["rollback", "--to", &to, "--publisher", &url];
    let human = project.run(&rollback)?.success()?;
    let bounded = "1 key given an earlier end or a later beginning since: still so\n";
    assert!(human.contains(bounded), "{human}");
    let stopped = "3 keys unknown or refused until the next push:\n";
    assert!(human.contains(stopped) && !human.contains(old), "{human}");
    let said = server.decides(&project, &token)?;
    assert!(said.contains("DENY") && said.contains("expired"), "{said}");

    server.push(&project)?;
    let done = project.json(&rollback)?;
    assert_eq!(done.pointer("/stopped"), Some(&json!([resumed, issued, next])));
    assert_eq!(done.pointer("/stillBounded"), Some(&json!(1)));
    let again = project.json(&rollback)?;
    assert_eq!(again.pointer("/stopped"), Some(&json!([])));
    assert_eq!(again.pointer("/stillBounded"), Some(&json!(1)));
    server.stop(Signal::TERM)?;
    Ok(())
}

#[test]
fn the_registry_is_asked_where_the_publisher_has_an_old_state() -> Result {
    let project = Project::new()?;
    let (id, token) = project.issued(&READER)?;
    let (id, token) = (id.as_str(), token.as_str());
    let known = Server::start(&project)?;
    let other = project.path("other.db");
    let restored = Server::start_with(&project, &["--database", &other.to_string_lossy()], |_| ())?;
    let good = restored.push(&project)?;
    restored.push(&project)?;
    assert!(restored.decides(&project, token)?.contains("ALLOW"));
    // One publisher learns of it; the other is as it was before.
    project.run(&["keys", "revoke", id, "--reason", "lost", "--push", &known.url])?.success()?;
    let rollback = ["rollback", "--to", &good.to_string(), "--publisher", &restored.url];
    let done = project.json(&rollback)?;
    assert_eq!(done.pointer("/stillRevoked"), Some(&json!(1)));
    let said = restored.decides(&project, token)?;
    assert!(said.contains("DENY") && said.contains("revoked"), "{said}");
    known.stop(Signal::TERM)?;
    restored.stop(Signal::TERM)?;
    Ok(())
}

#[test]
fn what_a_key_signed_whose_time_is_over_is_not_signed_with_a_good_one() -> Result {
    let project = Project::new()?;
    let server = Server::start(&project)?;
    let good = server.push(&project)?;
    server.push(&project)?;
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
fn what_cannot_be_rolled_back_to() -> Result {
    let project = Project::new()?;
    let server = Server::start(&project)?;
    let url = server.url.clone();
    let rollback =
        |to: u64| project.run(&["rollback", "--to", &to.to_string(), "--publisher", &url]);
    let said = rollback(1)?;
    assert_eq!(said.status, Some(8));
    assert!(said.stderr.contains("no bundle `shop` was ever pushed"), "{}", said.stderr);
    let first = server.push(&project)?;
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
    server.push(&project)?;
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
