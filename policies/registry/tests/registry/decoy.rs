//! Decoys: keys that are never granted.

use crate::common::{Home, by, new_key, now, verify};
use cedarkey_registry::{Apply, Edit, NewKey, Rotation, Selector, State, Status, Wanted};
use jiff::{SignedDuration, ToSpan};

fn decoy() -> NewKey {
    NewKey {
        name: Some("bait".into()),
        scopes: Vec::new(),
        networks: Vec::new(),
        decoy: true,
        ..new_key()
    }
}

pub async fn a_decoy_lives_as_other_keys_do(home: Home) {
    let registry = home.open().await;
    let key = registry.issue(decoy(), &by("alice")).await.unwrap().key;
    assert!(key.decoy);
    let id = || Selector::from(key.id.as_str());
    assert_eq!(registry.get(&id()).await.unwrap(), key);
    let until = Some(now() + 480.hours());
    let extended = registry.edit_one(id(), &Edit::Extend { until }, &by("bob")).await.unwrap().key;
    assert_eq!((extended.expires, extended.decoy), (until, true));
    let transfer = Edit::Transfer { owner: "team:security".into(), team: None };
    assert!(registry.edit_one(id(), &transfer, &by("bob")).await.unwrap().key.decoy);
    let suspended = registry.suspend(id(), &by("bob")).await.unwrap().key;
    assert_eq!((suspended.status(now()), suspended.decoy), (Status::Suspended, true));
    registry.edit_one(id(), &Edit::Resume, &by("bob")).await.unwrap();
    registry.revoke(id(), &by("bob")).await.unwrap();
    assert!(verify(&registry).await.findings.is_empty());
    let entry = serde_json::to_value(&registry.audit(None, 1).await.unwrap()[0]).unwrap();
    assert_eq!(entry["after"]["decoy"], true);
    // Of other keys nothing is said.
    registry.issue(new_key(), &by("alice")).await.unwrap();
    let entry = serde_json::to_value(&registry.audit(None, 1).await.unwrap()[0]).unwrap();
    assert_eq!(entry["after"].get("decoy"), None);
}

pub async fn a_decoy_has_no_reach_and_no_successor(home: Home) {
    let registry = home.open().await;
    let list = |text: &str| vec![String::from(text)];
    for (new, what) in [
        (NewKey { scopes: list("orders:read"), ..decoy() }, "scopes"),
        (NewKey { networks: list("10.0.0.0/8"), ..decoy() }, "networks"),
        (NewKey { spiffe_ids: list("spiffe://a/b"), ..decoy() }, "SPIFFE ids"),
        (NewKey { workload: Some("export".into()), ..decoy() }, "a workload"),
    ] {
        let error = registry.issue(new, &by("alice")).await.unwrap_err().to_string();
        assert_eq!(error, format!("a decoy is never granted anything: it has no use for {what}"));
    }
    let key = registry.issue(decoy(), &by("alice")).await.unwrap().key;
    let rotation = Rotation { overlap: SignedDuration::from_hours(1), expires: None };
    let refused = registry.rotate(&Selector::from("bait"), rotation, &by("bob")).await.unwrap_err();
    assert!(refused.to_string().contains("is a decoy, which nobody uses"), "{refused}");
    assert_eq!(registry.all().await.unwrap(), [key]);
}

/// By a file it is made, kept, and never becomes another kind of key.
pub async fn a_file_makes_decoys_and_no_key_becomes_one(home: Home) {
    let registry = home.open().await;
    let apply = async |spec: NewKey| {
        let wanted =
            Wanted { place: "line 1".into(), spec: Ok(spec), hash: None, state: State::Active };
        registry.apply(vec![wanted], Apply::default(), &by("alice")).await
    };
    let spec = NewKey { not_before: Some(now()), ..decoy() };
    assert!(apply(spec.clone()).await.unwrap().created[0].0.decoy);
    assert_eq!(apply(spec.clone()).await.unwrap().unchanged, 1);
    let error = apply(NewKey { decoy: false, ..spec.clone() }).await.unwrap_err();
    let said = format!("{error:?}");
    assert!(said.contains("cannot become a decoy, nor a decoy another key"), "{said}");
    let named = |decoy| NewKey { name: Some("other".into()), decoy, ..spec.clone() };
    apply(named(false)).await.unwrap();
    assert!(apply(named(true)).await.is_err());
    let keys = registry.all().await.unwrap();
    assert_eq!(keys.iter().filter(|key| key.decoy).count(), 1);
}
