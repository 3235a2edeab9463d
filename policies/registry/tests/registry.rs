//! The registry on real files.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    reason = "what goes wrong in a helper of a test fails it"
)]

use cedarkey_engine::token::{KeyHash, Token};
use cedarkey_registry::{
    Filter, FindError, IssueError, NewKey, OpenError, Registry, RevokeError, Status,
};
use jiff::{Timestamp, ToSpan};
use sqlx::{Connection, SqliteConnection};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn now() -> Timestamp {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

fn new_key() -> NewKey {
    NewKey {
        prefix: "ck".into(),
        environment: "test".into(),
        owner: "team:payments".into(),
        purpose: "nightly export".into(),
        team: Some("payments".into()),
        workload: None,
        scopes: vec!["orders:read".into()],
        networks: vec!["10.0.0.0/8".into()],
        not_before: now(),
        expires: Some(now() + 24.hours()),
    }
}

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.db");
    (folder, file)
}

async fn sqlite(file: &Path) -> SqliteConnection {
    SqliteConnection::connect(&format!("sqlite://{}?mode=rwc", file.display())).await.unwrap()
}

#[tokio::test]
async fn a_key_is_issued_once_and_its_token_is_nowhere() {
    let (folder, file) = place();
    let registry = Registry::open(&file).await.unwrap();
    let issued = registry.issue(new_key(), "alice", now()).await.unwrap();
    let token = Token::parse(&issued.token).unwrap();
    assert_eq!((token.prefix, token.environment), ("ck", "test"));
    assert_eq!(issued.key.hash, token.hash().to_string());
    assert!(!format!("{issued:?}").contains(issued.token.as_str()));
    assert_eq!(registry.all().await.unwrap(), std::slice::from_ref(&issued.key));
    registry.close().await;
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "a file lies beside it");
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let token = issued.token.as_bytes();
        assert!(!bytes.windows(token.len()).any(|window| window == token));
    }
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, file) = place();
    Registry::open(&file).await.unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn a_key_that_breaks_a_rule_is_not_issued() {
    let (_folder, file) = place();
    let registry = Registry::open(&file).await.unwrap();
    let issue = async |change: fn(&mut NewKey)| {
        let mut key = new_key();
        change(&mut key);
        registry.issue(key, "alice", now()).await.unwrap_err().to_string()
    };
    assert_eq!(issue(|k| k.owner = " ".into()).await, "a key needs an owner");
    assert_eq!(issue(|k| k.purpose.clear()).await, "a key needs a purpose");
    assert!(issue(|k| k.scopes.push("a b".into())).await.starts_with("`a b` is not a scope"));
    assert!(issue(|k| k.networks.push("x".into())).await.starts_with("`x` is not a network"));
    assert!(issue(|k| k.environment = "Prod".into()).await.starts_with("`Prod` cannot stand"));
    assert!(issue(|k| k.expires = Some(now())).await.contains("expire before"));
    assert!(registry.all().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_hash_is_taken_once() {
    let (_folder, file) = place();
    let registry = Registry::open(&file).await.unwrap();
    let hash = KeyHash::of("a token of another system");
    let key = registry.import(new_key(), hash, "alice", now()).await.unwrap();
    let again = registry.import(new_key(), hash, "alice", now()).await.unwrap_err();
    assert!(matches!(again, IssueError::DuplicateHash(id) if id == key.id));
}

#[tokio::test]
async fn control_characters_are_refused() {
    let (_folder, file) = place();
    let registry = Registry::open(&file).await.unwrap();
    let bad = || "x\u{1b}]0;owned\u{7}".to_owned();
    for (new, expected) in [
        (NewKey { owner: bad(), ..new_key() }, "an owner must not hold control characters"),
        (
            NewKey { owner: "a\r\nb".into(), ..new_key() },
            "an owner must not hold control characters",
        ),
        (NewKey { purpose: bad(), ..new_key() }, "a purpose must not hold control characters"),
        (NewKey { team: Some(bad()), ..new_key() }, "a team must not hold control characters"),
        (
            NewKey { workload: Some(bad()), ..new_key() },
            "a workload must not hold control characters",
        ),
    ] {
        let error = registry.issue(new, "alice", now()).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    let scope = registry.issue(NewKey { scopes: vec![bad()], ..new_key() }, "alice", now()).await;
    assert!(matches!(scope, Err(IssueError::Scope(_))));
    let key = registry.issue(new_key(), "alice", now()).await.unwrap().key;
    let revoked = registry.revoke(&key.id, &bad(), "alice", now()).await;
    assert!(matches!(revoked, Err(RevokeError::Control)));
}

#[tokio::test]
async fn keys_are_found_by_what_is_known_of_them() {
    let (_folder, file) = place();
    let registry = Registry::open(&file).await.unwrap();
    let first = registry.issue(new_key(), "alice", now()).await.unwrap().key;
    let later = now() + 1.hour();
    let other = NewKey { owner: "bob@example.com".into(), expires: None, ..new_key() };
    registry.issue(other, "bob", later).await.unwrap();
    let count = async |filter| registry.list(&filter, later).await.unwrap().len();
    assert_eq!(count(Filter::default()).await, 2);
    assert_eq!(count(Filter { owner: Some("team:payments".into()), ..Filter::default() }).await, 1);
    assert_eq!(count(Filter { status: Some(Status::Revoked), ..Filter::default() }).await, 0);
    let soon = Some(now() + 48.hours());
    assert_eq!(count(Filter { expires_before: soon, ..Filter::default() }).await, 1);
    assert_eq!(registry.get(&first.id.to_lowercase()).await.unwrap(), first);
    assert!(matches!(registry.get("0").await, Err(FindError::Ambiguous(_))));
    assert!(matches!(registry.get("").await, Err(FindError::Missing(_) | FindError::Ambiguous(_))));
    assert!(matches!(registry.get("Z").await, Err(FindError::Missing(_))));
}

#[tokio::test]
async fn a_revocation_is_for_good_and_kept() {
    let (_folder, file) = place();
    let registry = Registry::open(&file).await.unwrap();
    let key = registry.issue(new_key(), "alice", now()).await.unwrap().key;
    let blank = registry.revoke(&key.id, " ", "alice", now()).await;
    assert!(matches!(blank, Err(RevokeError::Blank)));
    let revoked = registry.revoke(&key.id, "leaked", "alice", now()).await.unwrap();
    let again = registry.revoke(&key.id, "again", "bob", now() + 1.hour()).await.unwrap();
    assert_eq!(again, revoked);
    assert_eq!(again.revoke_reason.as_deref(), Some("leaked"));
    let mut raw = sqlite(&file).await;
    let actions: Vec<String> = sqlx::query_scalar("SELECT action FROM audit ORDER BY number")
        .fetch_all(&mut raw)
        .await
        .unwrap();
    assert_eq!(actions, ["issue", "revoke"]);
    for change in ["UPDATE audit SET actor = 'eve'", "DELETE FROM audit", "DELETE FROM keys"] {
        assert!(sqlx::query(change).execute(&mut raw).await.is_err(), "{change}");
    }
}

#[tokio::test]
async fn two_registries_on_one_file_take_turns() {
    let (_folder, file) = place();
    let (one, two) = (Registry::open(&file).await.unwrap(), Registry::open(&file).await.unwrap());
    let issue = async |registry: Registry| {
        for _ in 0..20 {
            registry.issue(new_key(), "alice", now()).await.unwrap();
        }
    };
    tokio::join!(issue(one.clone()), issue(two));
    assert_eq!(one.all().await.unwrap().len(), 40);
}

#[tokio::test]
async fn each_unusable_file_has_its_own_message() {
    let (folder, file) = place();
    std::fs::write(&file, "this is no database, and long enough to be told from an empty one")
        .unwrap();
    assert!(matches!(Registry::open(&file).await, Err(OpenError::Corrupt(_))));

    let foreign = folder.path().join("foreign.db");
    sqlx::query("CREATE TABLE t (a)").execute(&mut sqlite(&foreign).await).await.unwrap();
    assert!(matches!(Registry::open(&foreign).await, Err(OpenError::Foreign(_))));

    let newer = folder.path().join("newer.db");
    Registry::open(&newer).await.unwrap();
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'later', 1, x'00', 0)",
    )
    .execute(&mut sqlite(&newer).await)
    .await
    .unwrap();
    assert!(matches!(Registry::open(&newer).await, Err(OpenError::NewerSchema(_))));

    let locked = folder.path().join("locked.db");
    Registry::open(&locked).await.unwrap();
    let mut holder = sqlite(&locked).await;
    sqlx::query("PRAGMA locking_mode = EXCLUSIVE").execute(&mut holder).await.unwrap();
    sqlx::query("BEGIN EXCLUSIVE").execute(&mut holder).await.unwrap();
    assert!(matches!(Registry::open(&locked).await, Err(OpenError::Locked(_))));

    let nowhere = folder.path().join("no/such/folder/keys.db");
    assert!(matches!(Registry::open(&nowhere).await, Err(OpenError::Unreachable(_))));
}
