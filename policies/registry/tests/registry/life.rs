//! The life of a key.

use crate::common::{Home, by, by_at, new_key, now, verify};
use cedarkey_engine::token::{KeyHash, Token};
use cedarkey_registry::{
    Change, ChangeError, Edit, Filter, IssueError, NewKey, Refusal, Registry, Rotation, Selector,
    State, Status, Which,
};
use jiff::{SignedDuration, ToSpan};

pub async fn a_key_is_issued_once(home: Home) {
    let registry = home.open().await;
    let issued = registry.issue(new_key(), &by("alice")).await.unwrap();
    let token = Token::parse(&issued.token).unwrap();
    assert_eq!((token.prefix, token.environment), ("ck", "test"));
    assert_eq!(issued.key.hash, token.hash().to_string());
    assert!(!format!("{issued:?}").contains(issued.token.as_str()));
    assert_eq!(registry.all().await.unwrap(), std::slice::from_ref(&issued.key));
    assert_eq!(registry.get(&token.hash().into()).await.unwrap(), issued.key);
    registry.close().await;
    if home.is_file() {
        let files = std::fs::read_dir(home.folder()).unwrap();
        let files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        assert_eq!(files.len(), 1, "a file lies beside it");
        let bytes = std::fs::read(&files[0]).unwrap();
        let token = issued.token.as_bytes();
        assert!(!bytes.windows(token.len()).any(|window| window == token));
    }
}

pub async fn a_key_that_breaks_a_rule_is_not_issued(home: Home) {
    let registry = home.open().await;
    let issue = async |change: fn(&mut NewKey)| {
        let mut key = new_key();
        change(&mut key);
        registry.issue(key, &by("alice")).await.unwrap_err().to_string()
    };
    assert_eq!(issue(|k| k.owner = " ".into()).await, "a key needs an owner");
    assert_eq!(issue(|k| k.purpose.clear()).await, "a key needs a purpose");
    assert!(issue(|k| k.scopes.push("a b".into())).await.starts_with("`a b` is not a scope"));
    assert!(issue(|k| k.networks.push("x".into())).await.starts_with("`x` is not a network"));
    assert!(issue(|k| k.spiffe_ids.push("x".into())).await.starts_with("`x` is not a SPIFFE id"));
    assert!(issue(|k| k.name = Some("X".into())).await.starts_with("`X` is not a name"));
    assert!(issue(|k| k.environment = "Prod".into()).await.starts_with("`Prod` cannot stand"));
    assert!(issue(|k| k.expires = Some(now())).await.starts_with("the key would have expired"));
    assert!(issue(|k| k.not_before = k.expires).await.contains("before it becomes valid"));
    let label = issue(|k| drop(k.labels.insert("a b".into(), String::new()))).await;
    assert!(label.starts_with("the label `a b` is malformed"));
    assert!(registry.all().await.unwrap().is_empty());
    assert_eq!(registry.head().await.unwrap().number, 0);
}

pub async fn control_characters_are_refused(home: Home) {
    let registry = home.open().await;
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
        let error = registry.issue(new, &by("alice")).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    let scope = registry.issue(NewKey { scopes: vec![bad()], ..new_key() }, &by("alice")).await;
    assert!(scope.unwrap_err().to_string().contains("is not a scope"));
    let key = registry.issue(new_key(), &by("alice")).await.unwrap().key;
    let reason = Change::new("alice", bad(), now());
    let revoked = registry.revoke(key.id.as_str(), &reason).await.unwrap_err();
    assert_eq!(revoked.to_string(), "a reason must not hold control characters");
    let actor = registry.revoke(key.id.as_str(), &by(&bad())).await.unwrap_err();
    assert_eq!(actor.to_string(), "an actor must not hold control characters");
}

pub async fn a_request_waits_for_somebody_else(home: Home) {
    let registry = home.open().await;
    let key = registry.request(new_key(), &by("alice")).await.unwrap().key;
    assert_eq!((key.status(now()), key.is_known()), (Status::Pending, false));
    let edit = async |edit: Edit, actor: &str| {
        registry.edit_one(key.id.as_str().into(), &edit, &by(actor)).await
    };
    let own = edit(Edit::Approve, "alice").await.unwrap_err();
    assert!(own.to_string().contains("nobody approves their own request"), "{own}");
    assert!(own.help().is_some());
    let approved = edit(Edit::Approve, "bob").await.unwrap().key;
    assert_eq!((approved.state, approved.approver.as_deref()), (State::Active, Some("bob")));
    assert_eq!(approved.requested_by.as_deref(), Some("alice"));
    let late = edit(Edit::Deny, "bob").await.unwrap_err().to_string();
    assert!(late.ends_with("is active, and cannot be denied"), "{late}");

    let other = registry.request(new_key(), &by("alice")).await.unwrap().key;
    let denied = registry.edit_one(other.id.as_str().into(), &Edit::Deny, &by("bob")).await;
    assert_eq!(denied.unwrap().key.status(now()), Status::Denied);
}

pub async fn a_revocation_is_for_good(home: Home) {
    let registry = home.open().await;
    let issued = registry.issue(new_key(), &by("alice")).await.unwrap();
    let id = issued.key.id.as_str();
    let blank = registry.revoke(id, &Change::new("alice", " ", now())).await.unwrap_err();
    assert_eq!(blank.to_string(), "a revocation needs a reason");
    let leaked = Change::new("alice", "leaked", now());
    let revoked = registry.revoke(KeyHash::of(&issued.token), &leaked).await.unwrap();
    assert!(revoked.changed);
    let again = registry.revoke(id, &by_at("bob", now() + 1.hour())).await.unwrap();
    assert_eq!((again.changed, &again.key), (false, &revoked.key));
    assert_eq!(again.key.reason.as_deref(), Some("leaked"));
    let audit = registry.audit(None, 9).await.unwrap();
    let actions: Vec<_> = audit.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["issue", "revoke"]);
    let resumed = registry.edit_one(id.into(), &Edit::Resume, &by("alice")).await.unwrap_err();
    assert!(resumed.to_string().ends_with("is revoked, and cannot be resumed"), "{resumed}");
}

pub async fn a_suspended_key_comes_back(home: Home) {
    let registry = home.open().await;
    let key = registry.issue(new_key(), &by("alice")).await.unwrap().key;
    let suspended = registry.suspend(key.id.as_str(), &by("bob")).await.unwrap().key;
    assert_eq!((suspended.status(now()), suspended.is_refused()), (Status::Suspended, true));
    let resumed = registry.edit_one(key.id.as_str().into(), &Edit::Resume, &by("bob")).await;
    assert_eq!(resumed.unwrap().key.status(now()), Status::Active);
}

pub async fn a_key_is_replaced_with_an_overlap(home: Home) {
    let registry = home.open().await;
    let new = NewKey { name: Some("export".into()), ..new_key() };
    let key = registry.issue(new, &by("alice")).await.unwrap().key;
    let name = Selector::from("export");
    let rotate = async |selector: &Selector, hours| {
        let overlap = SignedDuration::from_hours(hours);
        registry.rotate(selector, Rotation { overlap, expires: None }, &by("bob")).await
    };
    let long = rotate(&name, 241).await.unwrap_err();
    assert!(long.to_string().contains("before an overlap of"), "{long}");
    assert_eq!(registry.all().await.unwrap(), std::slice::from_ref(&key), "nothing half done");

    let rotated = rotate(&name, 24).await.unwrap();
    let (old, new) = (&rotated.old, &rotated.new.key);
    assert_eq!(old.status(now()), Status::Rotating);
    assert_eq!(old.status(now() + 24.hours()), Status::Expired);
    assert_eq!((old.replaced_by.as_ref(), new.replaces.as_ref()), (Some(&new.id), Some(&key.id)));
    assert_eq!(new.expires, key.expires, "it lives as long as the old one was to");
    assert_ne!(new.hash, old.hash);
    assert_eq!(registry.get(&name).await.unwrap().id, new.id, "the name goes to the successor");
    let again = rotate(&Selector::from(old.id.as_str()), 1).await.unwrap_err();
    let replaced = |error: &ChangeError| {
        matches!(error, ChangeError::Refused { refusal: Refusal::Replaced(_), .. })
    };
    assert!(replaced(&again), "{again}");
    assert_eq!(rotate(&name, 0).await.unwrap().old.status(now() + 1.second()), Status::Expired);
    assert!(verify(&registry).await.findings.is_empty());
}

pub async fn a_workload_is_retired_with_all_its_keys(home: Home) {
    let registry = home.open().await;
    for workload in ["export", "export", "import"] {
        let new = NewKey { workload: Some(workload.into()), ..new_key() };
        registry.issue(new, &by("alice")).await.unwrap();
    }
    let filter = Filter { workload: Some("export".into()), ..Filter::default() };
    let which = Which::All(filter);
    let mut done = 0;
    let edited = registry.edit(&which, &Edit::Retire, &by("bob"), &mut |n| done = n).await.unwrap();
    assert_eq!((edited.len(), done), (2, 2));
    assert!(edited.iter().all(|edited| edited.key.status(now()) == Status::Retired));
    let again = registry.edit(&which, &Edit::Retire, &by("bob"), &mut |_| {}).await.unwrap();
    assert!(again.iter().all(|edited| !edited.changed));
}

pub async fn one_key_that_cannot_be_changed_keeps_all_as_they_are(home: Home) {
    let registry = home.open().await;
    let first = registry.issue(new_key(), &by("alice")).await.unwrap().key;
    let second = registry.issue(new_key(), &by("alice")).await.unwrap().key;
    registry.revoke(second.id.as_str(), &by("alice")).await.unwrap();
    let both = [&first, &second].map(|key| Selector::from(key.id.as_str()));
    let which = Which::Each(both.into());
    let error = registry.edit(&which, &Edit::Suspend, &by("bob"), &mut |_| {}).await.unwrap_err();
    assert!(error.to_string().contains(&second.id), "{error}");
    assert_eq!(registry.get(&first.id.as_str().into()).await.unwrap(), first);
    assert_eq!(registry.head().await.unwrap().number, 3);
    assert!(verify(&registry).await.findings.is_empty());
}

pub async fn a_clock_that_goes_back_gives_nothing_but_takes_away(home: Home) {
    let registry = home.open().await;
    let key = registry.issue(new_key(), &by("alice")).await.unwrap().key;
    let early = by_at("alice", now() - 1.hour());
    let error = registry.issue(new_key(), &early).await.unwrap_err();
    assert!(matches!(error, IssueError::Clock(_)), "{error}");
    assert!(error.to_string().starts_with("the clock went back: it says 2026-06-01T11:00:00Z"));
    // Clocks of several machines are never quite the same.
    let skewed = by_at("alice", now() - 1.minute());
    registry.issue(new_key(), &skewed).await.unwrap();
    registry.revoke(key.id.as_str(), &early).await.unwrap();
    let audit = registry.audit(None, 9).await.unwrap();
    assert!(audit.iter().all(|entry| entry.at == now()), "the audit never goes back");

    registry.accept_clock(&early).await.unwrap();
    registry.issue(new_key(), &early).await.unwrap();
    assert!(verify(&registry).await.findings.is_empty());
}

pub async fn writers_take_turns(home: Home) {
    let (one, two) = (home.open().await, home.open().await);
    let issue = async |registry: Registry| {
        for _ in 0..20 {
            registry.issue(new_key(), &by("alice")).await.unwrap();
        }
    };
    tokio::join!(issue(one.clone()), issue(two));
    assert_eq!(one.all().await.unwrap().len(), 40);
    assert!(verify(&one).await.findings.is_empty());
}
