//! A registry of the first form keeps all that it has.

use crate::common::{Home, by, new_key, verify};
use cedarkey_registry::{State, Status};
use jiff::Timestamp;
use sqlx::Executor;
use sqlx::migrate::Migrator;

const FILLED: &str = "
INSERT INTO keys VALUES
('01J00000000000000000000001', 'aa', 'ck', 'test', 'alice', 'tests', 'payments', NULL,
 '[\"orders:read\"]', '[]', 1000, 1000, 9000, 2000, 'leaked'),
('01J00000000000000000000002', 'bb', 'ck', 'test', 'bob', 'tests', NULL, 'export',
 '[]', '[\"10.0.0.0/8\"]', 1500, 1500, NULL, NULL, NULL);
INSERT INTO audit (at, actor, action, key_id, reason) VALUES
(1000, 'alice', 'issue', '01J00000000000000000000001', 'tests'),
(1500, 'bob', 'issue', '01J00000000000000000000002', 'tests'),
(2000, 'alice', 'revoke', '01J00000000000000000000001', 'leaked');
";

#[tokio::test]
async fn an_old_registry_keeps_its_keys_and_its_audit() {
    let home = Home::sqlite();
    let mut raw = home.raw().await;
    let all = sqlx::migrate!("migrations/sqlite");
    let first = all.migrations.iter().take(1).cloned().collect::<Vec<_>>();
    let first = Migrator { migrations: first.into(), ..all };
    first.run(&mut raw).await.unwrap();
    raw.execute(FILLED).await.unwrap();
    drop(raw);

    let registry = home.open().await;
    let keys = registry.all().await.unwrap();
    let at = |second| Timestamp::from_second(second).unwrap();
    assert_eq!((keys[0].state, keys[0].since), (State::Revoked, at(2000)));
    assert_eq!(keys[0].reason.as_deref(), Some("leaked"));
    assert_eq!(
        (keys[0].expires, keys[0].scopes.as_slice()),
        (Some(at(9000)), &["orders:read".into()][..])
    );
    assert_eq!((keys[1].status(at(1600)), keys[1].since), (Status::Active, at(1500)));
    let audit = registry.audit(None, 9).await.unwrap();
    let told: Vec<_> =
        audit.iter().map(|it| (it.at.as_second(), it.actor.as_str(), it.action.as_str())).collect();
    assert_eq!(
        told[..3],
        [(1000, "alice", "issue"), (1500, "bob", "issue"), (2000, "alice", "revoke")]
    );
    assert_eq!(audit[2].reason, "leaked");
    assert!(audit[3..].iter().all(|entry| entry.action == "migrate"));
    let verified = verify(&registry).await;
    assert_eq!((verified.findings.len(), verified.entries, verified.keys), (0, 5, 2));
    registry.close().await;

    // It is chained once, and goes on from there. The migration was made by a clock of today.
    let registry = home.open().await;
    let mut change = by("alice");
    change.now = Timestamp::now();
    let mut new = new_key();
    new.expires = None;
    registry.issue(new, &change).await.unwrap();
    assert_eq!(verify(&registry).await.entries, 6);
}
