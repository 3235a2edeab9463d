//! What was not done through the registry is found.

use crate::common::{Home, by, new_key, verify};
use cedarkey_registry::{Finding, Registry};
use sqlx::{AnyConnection, Executor};

/// Five entries: three keys, of which one was suspended and resumed.
async fn filled(home: &Home) -> Registry {
    let registry = home.open().await;
    let key = registry.issue(new_key(), &by("alice")).await.unwrap().key;
    registry.suspend(key.id.as_str(), &by("bob")).await.unwrap();
    for _ in 0..2 {
        registry.issue(new_key(), &by("carol")).await.unwrap();
    }
    let resume = cedarkey_registry::Edit::Resume;
    registry.edit_one(key.id.as_str().into(), &resume, &by("bob")).await.unwrap();
    registry
}

/// A connection of somebody who may change everything and stops at nothing.
async fn intruder(home: &Home) -> AnyConnection {
    let mut raw = home.raw().await;
    let names = ["audit_keeps_what_it_has", "audit_loses_nothing", "keys_are_never_deleted"];
    for name in names {
        let table = if name.starts_with("audit") { "audit" } else { "keys" };
        let sql = match home.is_file() {
            true => format!("DROP TRIGGER {name}"),
            false => format!("DROP TRIGGER IF EXISTS {name} ON {table}"),
        };
        raw.execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
    }
    raw
}

/// All of a database's tables as they are, to be put back.
async fn with_tables(raw: &mut AnyConnection, sql: &[&'static str]) {
    for statement in sql {
        raw.execute(*statement).await.unwrap();
    }
}

const SAVE: [&str; 3] = [
    "CREATE TABLE saved_audit AS SELECT * FROM audit",
    "CREATE TABLE saved_keys AS SELECT * FROM keys",
    "CREATE TABLE saved_head AS SELECT * FROM audit_head",
];
const RESTORE: [&str; 6] = [
    "DELETE FROM audit",
    "INSERT INTO audit SELECT * FROM saved_audit",
    "DELETE FROM keys",
    "INSERT INTO keys SELECT * FROM saved_keys",
    "DELETE FROM audit_head",
    "INSERT INTO audit_head SELECT * FROM saved_head",
];

pub async fn an_untouched_audit_is_sound(home: Home) {
    let registry = filled(&home).await;
    let verified = verify(&registry).await;
    assert!(verified.findings.is_empty(), "{:?}", verified.findings);
    assert_eq!((verified.entries, verified.keys), (5, 3));
    let head = registry.head().await.unwrap();
    assert_eq!(verified.head, head);
    let entries = registry.audit(None, 2).await.unwrap();
    let numbers: Vec<_> = entries.iter().map(|entry| entry.number).collect();
    assert_eq!(numbers, [4, 5], "the newest");
    let first = registry.audit(None, 9).await.unwrap()[0].key.clone();
    assert_eq!(registry.audit(first.as_deref(), 9).await.unwrap().len(), 3);
    let json = serde_json::to_value(&entries[1]).unwrap();
    assert_eq!(json["before"]["state"], "suspended");
    assert_eq!(json["after"]["state"], "active");
}

pub async fn every_kind_of_tampering_is_found(home: Home) {
    let registry = filled(&home).await;
    let mut raw = intruder(&home).await;
    with_tables(&mut raw, &SAVE).await;
    let cases: [(&str, &[&'static str], &str); 16] = [
        ("actor", &["UPDATE audit SET actor = 'eve' WHERE number = 2"], "Edited 2"),
        ("reason", &["UPDATE audit SET reason = '' WHERE number = 5"], "Edited 5"),
        (
            "key and audit",
            &[
                "UPDATE keys SET owner = 'eve' WHERE id = (SELECT key_id FROM audit WHERE number = 3)",
                "UPDATE audit SET became = replace(became, 'team:payments', 'eve') WHERE number = 3",
            ],
            "Edited 3",
        ),
        ("hash", &["UPDATE audit SET hash = previous WHERE number = 3"], "Edited 3, Order 4"),
        ("time", &["UPDATE audit SET at = at - 9 WHERE number = 4"], "Edited 4, Earlier 4"),
        ("first removed", &["DELETE FROM audit WHERE number = 1"], "Missing 1"),
        ("one removed", &["DELETE FROM audit WHERE number = 2"], "Missing 2"),
        (
            "one removed, and the others moved up",
            &[
                "DELETE FROM audit WHERE number = 2",
                "UPDATE audit SET number = 2 WHERE number = 3",
                "UPDATE audit SET number = 3 WHERE number = 4",
                "UPDATE audit SET number = 4 WHERE number = 5",
            ],
            "Order 2, Edited 2, Edited 3, Edited 4, End 4",
        ),
        (
            "two put in another order",
            &[
                "UPDATE audit SET number = 99 WHERE number = 3",
                "UPDATE audit SET number = 3 WHERE number = 4",
                "UPDATE audit SET number = 4 WHERE number = 99",
            ],
            "Order 3, Edited 3, Order 4, Edited 4, Order 5",
        ),
        ("end cut off", &["DELETE FROM audit WHERE number = 5"], "End 4, KeyChanged 2"),
        (
            "end cut off, and the head moved back",
            &[
                "DELETE FROM audit WHERE number > 3",
                "UPDATE audit_head SET number = 3, hash = (SELECT hash FROM audit WHERE number = 3)",
            ],
            "KeyChanged 2, KeyUnknown",
        ),
        ("owner", &["UPDATE keys SET owner = 'eve'"], "KeyChanged 5, KeyChanged 3, KeyChanged 4"),
        (
            "decoy",
            &["UPDATE keys SET decoy = 1 WHERE id = (SELECT key_id FROM audit WHERE number = 4)"],
            "KeyChanged 4",
        ),
        (
            "key removed",
            &["DELETE FROM keys WHERE id = (SELECT key_id FROM audit WHERE number = 4)"],
            "KeyGone 4",
        ),
        (
            "key added",
            &["INSERT INTO keys SELECT 'Z', name, 'Z', prefix, environment, owner, purpose, team,
               workload, scopes, networks, spiffe_ids, labels, created, not_before, expires,
               review_by, state, since, reason, requested_by, approver, replaces, replaced_by,
               waiting, decoy
               FROM keys WHERE id = (SELECT key_id FROM audit WHERE number = 4)"],
            "KeyUnknown",
        ),
        (
            "list broken",
            &[
                "UPDATE keys SET scopes = '[' WHERE id = (SELECT key_id FROM audit WHERE number = 4)",
            ],
            "Malformed",
        ),
    ];
    for (name, changes, expected) in cases {
        with_tables(&mut raw, changes).await;
        let verified = verify(&registry).await;
        let mut found: Vec<_> = verified.findings.iter().map(brief).collect();
        // Keys of one second are in no order of their issue.
        let mut expected: Vec<_> = expected.split(", ").map(String::from).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{name}");
        with_tables(&mut raw, &RESTORE).await;
        assert!(verify(&registry).await.findings.is_empty(), "after {name}");
    }
}

fn brief(finding: &Finding) -> String {
    match finding {
        Finding::Anchor { number } => format!("Anchor {number}"),
        Finding::Earlier { number } => format!("Earlier {number}"),
        Finding::Edited { number } => format!("Edited {number}"),
        Finding::End { last, .. } => format!("End {last}"),
        Finding::KeyChanged { number, .. } => format!("KeyChanged {number}"),
        Finding::KeyGone { number, .. } => format!("KeyGone {number}"),
        Finding::KeyUnknown { .. } => "KeyUnknown".into(),
        Finding::Malformed { .. } => "Malformed".into(),
        Finding::Missing { from, .. } => format!("Missing {from}"),
        Finding::Order { number } => format!("Order {number}"),
    }
}

pub async fn an_audit_that_was_written_anew_is_found_by_an_anchor(home: Home) {
    let registry = filled(&home).await;
    let head = registry.head().await.unwrap();
    let anchor = Some((head.number, head.hash.as_str()));
    registry.issue(new_key(), &by("alice")).await.unwrap();
    let sound = registry.verify(anchor, &mut |_| {}).await.unwrap();
    assert!(sound.findings.is_empty());
    // Somebody removes all and starts over, through the registry itself.
    let mut raw = intruder(&home).await;
    let forget = [
        "DELETE FROM audit",
        "DELETE FROM keys",
        "UPDATE audit_head SET number = 0, at = 0,
         hash = '0000000000000000000000000000000000000000000000000000000000000000'",
    ];
    with_tables(&mut raw, &forget).await;
    for _ in 0..6 {
        registry.issue(new_key(), &by("eve")).await.unwrap();
    }
    assert!(verify(&registry).await.findings.is_empty());
    let found = registry.verify(anchor, &mut |_| {}).await.unwrap();
    assert_eq!(found.findings, [Finding::Anchor { number: 5 }]);
}

pub async fn the_database_itself_refuses_to_forget(home: Home) {
    filled(&home).await;
    let mut raw = home.raw().await;
    for change in ["UPDATE audit SET actor = 'eve'", "DELETE FROM audit", "DELETE FROM keys"] {
        assert!(raw.execute(change).await.is_err(), "{change}");
    }
    if !home.is_file() {
        assert!(raw.execute("TRUNCATE audit").await.is_err());
    }
}
