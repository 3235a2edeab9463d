//! What `cedarkey report` finds, and that what it proposes can be done.

use crate::project::{Project, Result};
use cedarkey_host_kit::wait;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(20);

/// Limits that are passed as soon as a key is there.
const TIGHT: [&str; 6] = ["--unused", "1ms", "--max-age", "1ms", "--expiring-within", "40d"];

impl Project {
    /// Issues a key; gives its id.
    pub fn issue(&self, name: &str, options: &[&str]) -> Result<String> {
        let always = ["keys", "issue", "--name", name, "--purpose", "tests"];
        let said = self.json(&[&always[..], options].concat())?;
        let id = said.pointer("/key/id").and_then(Value::as_str);
        Ok(id.ok_or("it has no id")?.into())
    }

    /// Replaces something in a file of the project.
    pub fn change(&self, file: &str, from: &str, to: &str) -> Result {
        let path = self.path("shop").join(file);
        let text = fs::read_to_string(&path)?;
        assert!(text.contains(from), "{file} has no `{from}`");
        Ok(fs::write(path, text.replacen(from, to, 1))?)
    }

    /// Writes what `cedarkey usage` would have, of these keys.
    pub fn usage(&self, keys: Vec<Value>) -> Result<String> {
        let usage = json!({
            "name": "shop", "now": "2026-11-01T00:00:00Z", "since": "2026-01-01T00:00:00Z",
            "keys": keys,
        });
        let path = self.path("usage.json");
        fs::write(&path, usage.to_string())?;
        Ok(path.to_str().ok_or("the folder has a strange name")?.into())
    }
}

/// The use of a key, at the end of the calendar as good as now.
pub fn used(id: &str, actions: &[&str], networks: usize) -> Value {
    let count = json!({ "count": 5, "last": "2099-01-01T00:00:00Z" });
    let map = |names: Vec<String>| {
        names.into_iter().map(|name| (name, count.clone())).collect::<serde_json::Map<_, _>>()
    };
    json!({
        "key": id, "allowed": count, "denied": { "count": 0, "last": 0 },
        "actions": map(actions.iter().map(ToString::to_string).collect()),
        "networks": map((0..networks).map(|at| format!("10.0.{at}.0/24")).collect()),
    })
}

/// The ids of findings, with names in the place of keys' ids.
fn found(report: &Value) -> BTreeSet<String> {
    let findings = report["findings"].as_array().into_iter().flatten();
    let name = |finding: &Value| {
        let text = |field: &str| finding[field].as_str().unwrap_or_default().to_owned();
        assert_eq!(text("id"), format!("{}:{}", text("rule"), text("key")));
        assert!(text("command").starts_with("cedarkey "), "{finding}");
        assert!(text("rule") == "expires-soon" || text("owasp").starts_with("NHI"), "{finding}");
        let nist = finding.pointer("/nist/0").and_then(Value::as_str);
        assert!(nist.is_some_and(|nist| nist.starts_with("PR.AA-0")), "{finding}");
        format!("{} {}", text("name"), text("rule"))
    };
    findings.map(name).collect()
}

fn expected(findings: &[&str]) -> BTreeSet<String> {
    findings.iter().map(ToString::to_string).collect()
}

#[test]
fn each_fault_is_found_and_nothing_else() -> Result {
    let project = Project::new()?;
    let team = ["--owner", "team:payments", "--team", "payments"];
    let issue = |name: &str, options: &[&str]| project.issue(name, &[&team[..], options].concat());
    let month = ["--expires", "60d"];
    issue("sound", &[&["--scope", "orders:read"][..], &month].concat())?;
    assert_eq!(found(&project.json(&["report"])?), expected(&[]));

    let alice = ["--owner", "alice@example.com", "--expires", "60d"];
    project.issue("orphan", &alice)?;
    issue("soon", &["--expires", "10d"])?;
    issue("long", &["--expires", "80d"])?;
    let scopes = ["--scope", "orders:*", "--scope", "orders:read"];
    issue("wild", &[&scopes[..], &month].concat())?;
    issue("elsewhere", &[&["--workload", "nightly-export"][..], &month].concat())?;
    let seen = issue("seen", &month)?;
    project
        .run(&["keys", "suspend", &seen, "--reason", "leaked: found by a scanner"])?
        .success()?;
    let tried = issue("tried", &month)?;
    project
        .run(&["keys", "revoke", &tried, "--reason", "leaked: found by a scanner"])?
        .success()?;
    // A decoy is not to be used.
    let lure = [&["--owner", "team:payments", "--decoy"][..], &month].concat();
    let lure = project.issue("lure", &lure)?;
    issue("due", &[&["--review-by", "1s"][..], &month].concat())?;
    project.change("entities.json", "\"attrs\": {},", "\"attrs\": { \"departed\": true },")?;
    project.change(
        "entities.json",
        "\"environment\": \"development\"",
        "\"environment\": \"x\"",
    )?;
    project.change("cedarkey.toml", "max_lifetime = \"365d\"", "max_lifetime = \"70d\"")?;

    let without = [
        "orphan orphaned",
        "soon expires-soon",
        "long long-lived",
        "wild wildcard-scope",
        "elsewhere cross-environment",
        "seen leaked",
        "due review-overdue",
    ];
    let report = wait::until("all is found", LIMIT, || {
        let report = project.json(&["report"]).ok()?;
        (found(&report).len() >= without.len()).then_some(report)
    })?;
    assert_eq!(found(&report), expected(&without));
    assert_eq!(
        report["notLookedFor"],
        json!(["decoy-used", "never-used", "unused", "overprivileged"])
    );
    assert_eq!(report["counts"], json!({ "high": 5, "medium": 1, "low": 1 }));

    // With usage there is more: what is used, and from where.
    let list = project.json(&["keys", "list"])?;
    let id = |name: &str| {
        let mut keys = list["keys"].as_array().into_iter().flatten();
        let key = keys.find(|key| key["name"] == name);
        key.and_then(|key| key["id"].as_str()).unwrap_or_default().to_owned()
    };
    let mut refused = used(&tried, &[], 0);
    refused["causes"] = json!({ "key_revoked": refused["allowed"] });
    let mut lured = used(&lure, &[], 0);
    lured["causes"] = json!({ "decoy_key": lured["allowed"] });
    let usage = project.usage(vec![
        used(&id("sound"), &["orders.read"], 3),
        used(&id("wild"), &["orders.read"], 4),
        refused,
        lured,
    ])?;
    let report = project.json(&["report", "--usage", &usage])?;
    let more = ["lure decoy-used", "tried leaked", "wild overprivileged", "wild shared"];
    let more = [&without[..], &more].concat();
    assert_eq!(found(&report), expected(&more));
    assert_eq!(report["notLookedFor"], json!([]));

    // Whoever is stricter finds more, and a level ends a script.
    let report = project.json(&[&["report", "--usage", &usage][..], &TIGHT].concat())?;
    let strict = found(&report);
    for finding in ["sound not-rotated", "long never-used", "soon never-used"] {
        assert!(strict.contains(finding), "{finding} in {strict:?}");
    }
    for finding in ["sound never-used", "lure never-used"] {
        assert!(!strict.contains(finding), "{finding} in {strict:?}");
    }
    assert_eq!(project.run(&["report", "--fail-on", "high"])?.status, Some(14));
    // A rule that the project does without is none here.
    project.change(
        "cedarkey.toml",
        "[keys]",
        "[lints.keys]\nowner-departed = \"allow\"\n\n[keys]",
    )?;
    assert!(!found(&project.json(&["report"])?).contains("orphan orphaned"));
    Ok(())
}

#[test]
fn a_sound_project_fails_at_no_level() -> Result {
    let project = Project::new()?;
    assert_eq!(project.run(&["report", "--fail-on", "low"])?.status, Some(0));
    let said = project.run(&["report"])?;
    assert!(said.stdout.contains("nothing was found"), "{}", said.stdout);
    Ok(())
}

#[test]
fn the_narrower_policy_holds_and_takes_nothing_away_that_is_used() -> Result {
    let project = Project::new()?;
    let scopes = ["--scope", "orders:read", "--scope", "orders:write"];
    let team = ["--owner", "team:payments", "--team", "payments", "--expires", "60d"];
    let id = project.issue("export", &[&team[..], &scopes].concat())?;
    let other = project.issue("other", &[&team[..], &scopes].concat())?;
    let file = project.path("shop.ckb");
    let file = file.to_str().unwrap_or_default();
    let decide = |key: &str, method: &str| -> Result<Option<i32>> {
        let eval = ["eval", file, "--key", key, "--path", "/v1/orders", "--method", method];
        Ok(project.run(&eval)?.status)
    };
    project.run(&["build", "-o", file])?.success()?;
    assert_eq!((decide(&id, "GET")?, decide(&id, "POST")?), (Some(0), Some(0)));

    let usage = project.usage(vec![used(&id, &["orders.read"], 1)])?;
    let report = project.json(&["report", "--usage", &usage])?;
    let granted = &report["granted"][0];
    assert_eq!(granted["unusedScopes"], json!(["orders:write"]));
    assert_eq!(granted["usedActions"], json!(["orders.read"]));
    let policy = project.run(&["report", "--usage", &usage, "--narrow", "export"])?.success()?;
    assert!(policy.ends_with(granted["policy"].as_str().unwrap_or("none")), "{policy}");
    fs::write(project.path("shop/policies/narrow.cedar"), policy)?;
    let checked = project.run(&["check"])?;
    assert_eq!((checked.status, checked.stderr.contains("warning")), (Some(0), false));
    project.run(&["build", "-o", file])?.success()?;
    assert_eq!((decide(&id, "GET")?, decide(&id, "POST")?), (Some(0), Some(2)));
    assert_eq!((decide(&other, "GET")?, decide(&other, "POST")?), (Some(0), Some(0)));

    // What was counted as others may be anything: nothing is proposed.
    let usage = project.usage(vec![used(&id, &["orders.read", ""], 1)])?;
    let said = project.run(&["report", "--usage", &usage, "--narrow", "export"])?;
    assert_eq!(said.status, Some(1));
    let said = project.run(&["report", "--usage", &usage, "--narrow", "other"])?;
    assert!(said.stderr.contains("was not used"), "{}", said.stderr);
    Ok(())
}

#[test]
fn usage_that_is_none_is_named() -> Result {
    let project = Project::new()?;
    let path = project.path("usage.json");
    fs::write(&path, "{\"keys\": 1}")?;
    let said = project.run(&["report", "--usage", path.to_str().unwrap_or_default()])?;
    assert_eq!(said.status, Some(4));
    assert!(said.stderr.contains("is not what `cedarkey usage --format json` writes"));
    let said = project.run(&["keys", "list", "--unused", "30d"])?;
    assert_eq!(said.status, Some(4));
    assert!(said.stderr.contains("it is not said where usage is known"), "{}", said.stderr);
    Ok(())
}

#[test]
fn keys_without_use_are_listed() -> Result {
    let project = Project::new()?;
    let team = ["--owner", "team:payments", "--team", "payments", "--expires", "60d"];
    let busy = project.issue("busy", &team)?;
    let idle = project.issue("idle", &team)?;
    let usage = project.usage(vec![used(&busy, &["orders.read"], 1)])?;
    let unused = ["keys", "list", "--unused", "1ms", "--usage", &usage];
    let listed = project.json(&unused)?;
    let keys: Vec<_> = listed["keys"].as_array().into_iter().flatten().collect();
    assert_eq!(keys.len(), 1);
    assert_eq!((&keys[0]["id"], &keys[0]["lastUsed"]), (&json!(idle), &Value::Null));
    let said = project.run(&["keys", "list", "--unused", "9000d", "--usage", &usage])?;
    assert!(said.stderr.contains("usage is known since 2026-01-01 only"), "{}", said.stderr);
    assert!(!said.stdout.contains(&idle), "it is younger than that");
    Ok(())
}
