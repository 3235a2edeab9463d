//! Changes that a second person has to approve.

use crate::common::{Home, by_at, new_key, now, verify};
use cedarkey_registry::{
    Applied, Apply, Change, Edit, Filter, Key, NewKey, Registry, Rotation, Selector, State, Status,
    Waiting, Wanted,
};
use jiff::{SignedDuration, ToSpan};

/// A change where a second person is asked for.
fn by(actor: &str) -> Change {
    by_at(actor, now()).with_approval(true)
}

async fn edit(registry: &Registry, key: &Key, edit: Edit, actor: &str) -> Result<Key, String> {
    let edited = registry.edit_one(key.id.as_str().into(), &edit, &by(actor)).await;
    edited.map(|edited| edited.key).map_err(|error| error.to_string())
}

async fn waiting(registry: &Registry) -> Vec<String> {
    let filter = Filter { waiting: true, ..Filter::default() };
    registry.list(&filter, now()).await.unwrap().into_iter().map(|key| key.id).collect()
}

pub async fn a_wider_key_waits_for_somebody_else(home: Home) {
    let registry = home.open().await;
    let key = registry.issue(new_key(), &by("carol")).await.unwrap().key;
    let later = key.expires.unwrap() + 24.hours();
    let extend = || Edit::Extend { until: Some(later) };
    let asked = edit(&registry, &key, extend(), "alice").await.unwrap();
    assert_eq!((asked.expires, asked.is_waiting()), (key.expires, true));
    assert_eq!(waiting(&registry).await, std::slice::from_ref(&key.id));
    let own = edit(&registry, &key, Edit::Approve, "Alice").await.unwrap_err();
    assert!(own.contains("was requested by `alice`"), "{own}");
    // To ask once more is nothing new.
    let twice = registry.edit_one(key.id.as_str().into(), &extend(), &by("bob")).await.unwrap();
    assert_eq!((twice.changed, twice.waits), (false, true));
    // What takes something away waits for nobody, and what was asked for waits on.
    let suspended = edit(&registry, &key, Edit::Suspend, "alice").await.unwrap();
    assert_eq!((suspended.state, suspended.is_waiting()), (State::Suspended, true));
    let approved = edit(&registry, &key, Edit::Approve, "bob").await.unwrap();
    assert_eq!((approved.expires, approved.state), (Some(later), State::Suspended));
    assert_eq!((approved.approver.as_deref(), approved.is_waiting()), (Some("bob"), false));

    let transfer = Edit::Transfer { owner: "bob".into(), team: None };
    edit(&registry, &key, transfer, "alice").await.unwrap();
    let denied = edit(&registry, &key, Edit::Deny, "carol").await.unwrap();
    assert_eq!((denied.owner.as_str(), denied.is_waiting()), ("team:payments", false));
    // One thing waits at a time, and whoever asks for another is told.
    let transfer = Edit::Transfer { owner: "bob".into(), team: None };
    edit(&registry, &key, transfer, "alice").await.unwrap();
    let later = later + 1.hour();
    let extend = Edit::Extend { until: Some(later) };
    let other = registry.edit_one(key.id.as_str().into(), &extend, &by("dave")).await.unwrap();
    assert_eq!(other.instead_of, Some(("transfer".into(), "alice".into())));
    // Whoever revokes a key leaves nothing to approve.
    let revoked = edit(&registry, &key, Edit::Revoke, "alice").await.unwrap();
    assert!(!revoked.is_waiting());
    assert!(edit(&registry, &key, Edit::Approve, "bob").await.is_err());
    assert!(waiting(&registry).await.is_empty());
    assert!(verify(&registry).await.findings.is_empty());
}

pub async fn a_successor_waits_for_somebody_else(home: Home) {
    let registry = home.open().await;
    let new = NewKey { name: Some("export".into()), ..new_key() };
    let key = registry.issue(new, &by("carol")).await.unwrap().key;
    let name = Selector::from("export");
    let rotation = Rotation { overlap: SignedDuration::from_hours(240), expires: None };
    let mut successors = Vec::new();
    for _ in 0..3 {
        let rotated = registry.rotate(&name, rotation, &by("alice")).await.unwrap();
        assert_eq!((&rotated.old, rotated.new.key.status(now())), (&key, Status::Pending));
        successors.push(rotated.new.key);
    }
    assert_eq!(registry.get(&name).await.unwrap(), key);
    let [new, other, denied] = successors.as_slice() else { panic!("three were asked for") };
    assert!(edit(&registry, new, Edit::Approve, "alice").await.is_err());
    edit(&registry, denied, Edit::Deny, "bob").await.unwrap();
    assert_eq!(registry.get(&name).await.unwrap(), key);

    // The overlap begins when it is approved, and ends with the old key at the latest.
    let late = by_at("bob", now() + 24.hours()).with_approval(true);
    let edited = registry.edit_one(new.id.as_str().into(), &Edit::Approve, &late).await.unwrap();
    assert_eq!((edited.key.state, edited.key.name.as_deref()), (State::Active, Some("export")));
    let old = registry.get(&key.id.as_str().into()).await.unwrap();
    assert_eq!(old.status(late.now), Status::Rotating);
    assert_eq!((old.expires, old.replaced_by), (key.expires, Some(new.id.clone())));
    let second = registry.edit_one(other.id.as_str().into(), &Edit::Approve, &late).await;
    let second = second.unwrap_err().to_string();
    assert!(second.contains("is replaced by"), "{second}");
    assert!(verify(&registry).await.findings.is_empty());
}

async fn apply(registry: &Registry, spec: &NewKey, actor: &str) -> Applied {
    let wanted =
        Wanted { place: "line 1".into(), spec: Ok(spec.clone()), hash: None, state: State::Active };
    registry.apply(vec![wanted], Apply::default(), &by(actor)).await.unwrap()
}

pub async fn a_file_asks_once_and_may_withdraw(home: Home) {
    let registry = home.open().await;
    let spec = NewKey { name: Some("export".into()), not_before: Some(now()), ..new_key() };
    let created = apply(&registry, &spec, "alice").await.created;
    let [(key, Some(_))] = created.as_slice() else { panic!("one key, and its token") };
    assert_eq!(key.status(now()), Status::Pending);
    assert_eq!(apply(&registry, &spec, "alice").await.unchanged, 1, "it waits still");
    // Whoever widens a request is the one who asks.
    let wide = NewKey { scopes: vec!["orders:read".into(), "orders:write".into()], ..spec.clone() };
    apply(&registry, &wide, "bob").await;
    assert!(edit(&registry, key, Edit::Approve, "bob").await.is_err());
    edit(&registry, key, Edit::Approve, "carol").await.unwrap();

    let wider = NewKey { networks: Vec::new(), ..wide.clone() };
    let asked = apply(&registry, &wider, "alice").await.changed;
    let [(before, after)] = asked.as_slice() else { panic!("one change") };
    assert_eq!(Key { waiting: None, ..after.clone() }, *before, "nothing but that it waits");
    let Some(Waiting::Become { by, key: becomes, .. }) = after.waiting.as_ref() else {
        panic!("it does not wait")
    };
    assert_eq!((by.as_str(), becomes.networks.is_empty()), ("alice", true));
    assert_eq!(apply(&registry, &wider, "alice").await.unchanged, 1);
    // The file says again what is so: nothing is asked for any more.
    assert_eq!(apply(&registry, &wide, "alice").await.changed.len(), 1);
    assert!(waiting(&registry).await.is_empty());
    // What narrows a key is done at once.
    let narrow = NewKey { scopes: Vec::new(), ..wide };
    apply(&registry, &narrow, "alice").await;
    assert!(registry.get(&key.id.as_str().into()).await.unwrap().scopes.is_empty());
    assert!(verify(&registry).await.findings.is_empty());
}
