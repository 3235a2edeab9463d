//! What `cedarkey report` finds, and that what it proposes can be done.

use crate::project::{Project, Result, Said};
use cedarkey_host_kit::wait;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
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
        self.usage_of(Timestamp::now(), keys)
    }

    /// What it would have, at an instant.
    fn usage_of(&self, now: Timestamp, keys: Vec<Value>) -> Result<String> {
        let usage = json!({
            "name": "shop", "now": now, "since": "2026-01-01T00:00:00Z", "keys": keys,
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
    // What a key does not do in a moment says nothing.
    let report = project.json(&["report", "--usage", &usage])?;
    assert!(!found(&report).contains("wild overprivileged"));
    assert_eq!(report["granted"][0]["unusedActions"], json!([]));
    let report = project.json(&["report", "--usage", &usage, "--watched", "1ms"])?;
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
    let look = ["report", "--usage", &usage, "--watched", "1ms"];
    let report = project.json(&look)?;
    let granted = &report["granted"][0];
    assert_eq!(granted["unusedScopes"], json!(["orders:write"]));
    assert_eq!(granted["usedActions"], json!(["orders.read"]));
    let policy = project.run(&["report", "--usage", &usage, "--narrow", "export"])?.success()?;
    assert!(policy.ends_with(granted["policy"].as_str().unwrap_or("none")), "{policy}");
    // What the report says is what can be typed, and puts it there.
    let command = report.pointer("/findings/0/command").and_then(Value::as_str);
    let command: Vec<&str> = command.unwrap_or_default().split(' ').skip(1).collect();
    let narrow = project.path(&format!("shop/policies/narrow-{id}.cedar"));
    let [_, _, folder, .., to] = command[..] else { return Err("it is no such command".into()) };
    assert_eq!((folder, to), (project.path("shop").to_str().unwrap(), narrow.to_str().unwrap()));
    let typed = Command::new(env!("CARGO_BIN_EXE_cedarkey")).args(&command).output()?;
    Said::of(typed)?.success()?;
    assert_eq!(fs::read_to_string(&narrow)?, policy);
    let checked = project.run(&["check"])?;
    assert_eq!((checked.status, checked.stderr.contains("warning")), (Some(0), false));
    project.run(&["build", "-o", file])?.success()?;
    assert_eq!((decide(&id, "GET")?, decide(&id, "POST")?), (Some(0), Some(2)));
    assert_eq!((decide(&other, "GET")?, decide(&other, "POST")?), (Some(0), Some(0)));

    // It is told no more, though the scope is still there.
    let report = project.json(&look)?;
    assert_eq!(found(&report), expected(&[]));
    assert_eq!(report.pointer("/granted/0/unusedActions"), Some(&json!([])));
    let said = project.run(&["report", "--usage", &usage, "--narrow", "export"])?;
    assert!(said.stderr.contains("is kept to what it was used for by"), "{}", said.stderr);

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

#[test]
fn a_narrower_policy_is_there_whole_or_not_at_all() -> Result {
    let project = Project::new()?;
    let scopes = ["--scope", "orders:read", "--scope", "orders:write"];
    let team = ["--owner", "team:payments", "--team", "payments", "--expires", "60d"];
    let id = project.issue("export", &[&team[..], &scopes].concat())?;
    let file = project.path("shop/policies/narrow.cedar");
    let to = file.to_str().unwrap_or_default();
    let narrow = |options: &[&str]| {
        let usage = project.usage(vec![used(&id, &["orders.read"], 1)])?;
        let narrow = ["report", "--usage", &usage, "--narrow", "export"];
        project.run(&[&narrow[..], options].concat())
    };
    // Nothing is left where it does not work.
    let idle = project.usage(vec![])?;
    let failed = project.run(&["report", "--usage", &idle, "--narrow", "export", "--to", to])?;
    assert_eq!((failed.status, file.exists()), (Some(1), false));
    let away = project.path("away/narrow.cedar");
    let failed = narrow(&["--to", away.to_str().unwrap_or_default()])?;
    assert_eq!((failed.status, away.exists()), (Some(1), false), "{}", failed.stderr);

    narrow(&["--to", to])?.success()?;
    let written = fs::read_to_string(&file)?;
    assert!(written.contains(&format!("@id(\"narrow.{id}\")")), "{written}");
    // Whoever may read the rest of the project may read it.
    let mode = |path: &Path| Ok::<_, std::io::Error>(fs::metadata(path)?.permissions().mode());
    assert_eq!(mode(&file)?, mode(&project.path("shop/cedarkey.toml"))?);
    // It keeps an action that it does not use, and is put right.
    let wide = written.replace("orders.read\"", "orders.read\", Action::\"orders.write\"");
    fs::write(&file, &wide)?;
    let refused = narrow(&["--to", to])?;
    assert!(refused.stderr.contains("is there already"), "{}", refused.stderr);
    let elsewhere = project.path("shop/policies/other.cedar");
    let refused = narrow(&["--to", elsewhere.to_str().unwrap_or_default(), "--force"])?;
    assert!(refused.stderr.contains("has a policy `narrow."), "{}", refused.stderr);
    assert_eq!(fs::read_to_string(&file)?, wide);
    narrow(&["--to", to, "--force"])?.success()?;
    assert_eq!(fs::read_to_string(&file)?, written);
    // What else is in the file is not lost.
    let more = "@id(\"other\")\nforbid (principal, action, resource) when { false };\n";
    fs::write(&file, format!("{wide}{more}"))?;
    let refused = narrow(&["--to", to, "--force"])?;
    assert!(refused.stderr.contains("has other policies besides"), "{}", refused.stderr);
    let left = fs::read_dir(project.path("shop/policies"))?.filter_map(std::result::Result::ok);
    let left: Vec<_> = left.filter(|it| it.path().extension() == Some("tmp".as_ref())).collect();
    assert!(left.is_empty(), "{left:?}");
    Ok(())
}

#[test]
fn what_is_known_from_earlier_says_nothing_of_later() -> Result {
    let project = Project::new()?;
    let team = ["--owner", "team:payments", "--team", "payments", "--expires", "60d"];
    let idle = project.issue("idle", &team)?;
    let find = |now: Timestamp| -> Result<BTreeSet<String>> {
        let usage = project.usage_of(now, vec![])?;
        Ok(found(&project.json(&["report", "--usage", &usage, "--unused", "1ms"])?))
    };
    let listed = |now: Timestamp| -> Result<bool> {
        let usage = project.usage_of(now, vec![])?;
        let list = ["keys", "list", "--unused", "1ms", "--usage", &usage];
        Ok(project.run(&list)?.success()?.contains(&idle))
    };
    let now = Timestamp::now();
    assert_eq!((find(now)?, listed(now)?), (expected(&["idle never-used"]), true));
    let before = now - SignedDuration::from_hours(24);
    assert_eq!((find(before)?, listed(before)?), (expected(&[]), false));
    Ok(())
}

#[test]
fn what_was_answered_is_no_finding_for_ever() -> Result {
    let project = Project::new()?;
    let team = ["--owner", "team:payments", "--expires", "60d"];
    let lure = project.issue("lure", &[&team[..], &["--decoy"]].concat())?;
    let leaked = project.issue("leaked", &[&team[..], &["--team", "payments"]].concat())?;
    project
        .run(&["keys", "revoke", &leaked, "--reason", "leaked: found by a scanner"])?
        .success()?;
    let find = |last: Timestamp, options: &[&str]| -> Result<BTreeSet<String>> {
        let count = json!({ "count": 1, "last": last });
        let refused = |id: &str, cause: &str| json!({ "key": id, "causes": { cause: count } });
        let keys = vec![refused(&lure, "decoy_key"), refused(&leaked, "key_revoked")];
        let usage = project.usage_of(last.max(Timestamp::now()), keys)?;
        Ok(found(&project.json(&[&["report", "--usage", &usage][..], options].concat())?))
    };
    let now = Timestamp::now();
    assert_eq!(find(now, &[])?, expected(&["lure decoy-used", "leaked leaked"]));
    assert_eq!(find(now, &["--tried", "1ms"])?, expected(&[]));
    // It was tried before it was revoked, and the decoy long ago.
    let hours = SignedDuration::from_hours;
    assert_eq!(find(now - hours(13 * 24), &[])?, expected(&["lure decoy-used"]));
    assert_eq!(find(now - hours(15 * 24), &[])?, expected(&[]));
    // Another decoy is laid out in its place.
    project.run(&["keys", "revoke", &lure, "--reason", "used"])?.success()?;
    assert_eq!(find(now, &[])?, expected(&["leaked leaked"]));
    Ok(())
}
