//! Looking keys up.

use crate::common::{Home, by, by_at, new_key, now};
use cedarkey_registry::{Edit, Filter, FindError, NewKey, Selector, Status};
use jiff::ToSpan;

pub async fn keys_are_found_by_what_is_known_of_them(home: Home) {
    let registry = home.open().await;
    let first = registry.issue(new_key(), &by("alice")).await.unwrap().key;
    let later = now() + 1.hour();
    let other = NewKey {
        name: Some("debugging".into()),
        owner: "bob@example.com".into(),
        team: None,
        workload: Some("export".into()),
        scopes: vec!["orders:write".into()],
        labels: [("tier".into(), "gold".into())].into(),
        review_by: Some(now() + 24.hours()),
        expires: None,
        ..new_key()
    };
    let other = registry.issue(other, &by_at("bob", later)).await.unwrap().key;
    let found = async |change: fn(&mut Filter)| {
        let mut filter = Filter::default();
        change(&mut filter);
        let keys = registry.list(&filter, later).await.unwrap();
        keys.iter().map(|key| if key.id == first.id { '1' } else { '2' }).collect::<String>()
    };
    assert_eq!(found(|_| {}).await, "12");
    assert_eq!(found(|f| f.owner = Some("team:payments".into())).await, "1");
    assert_eq!(found(|f| f.team = Some("payments".into())).await, "1");
    assert_eq!(found(|f| f.workload = Some("export".into())).await, "2");
    assert_eq!(found(|f| f.statuses = vec![Status::Revoked]).await, "");
    assert_eq!(found(|f| f.statuses = vec![Status::Active, Status::Revoked]).await, "12");
    assert_eq!(found(|f| f.scope = Some("orders:write".into())).await, "2");
    assert_eq!(found(|f| f.labels = vec![("tier".into(), None)]).await, "2");
    assert_eq!(found(|f| f.labels = vec![("tier".into(), Some("tin".into()))]).await, "");
    assert_eq!(found(|f| f.expires_before = Some(now() + 480.hours())).await, "1");
    assert_eq!(found(|f| f.review_before = Some(now() + 48.hours())).await, "2");

    let get = async |text: &str| registry.get(&Selector::from(text)).await;
    assert_eq!(get(&first.id.to_lowercase()).await.unwrap(), first);
    assert_eq!(get(&first.hash).await.unwrap(), first);
    assert_eq!(get("debugging").await.unwrap(), other);
    assert!(matches!(get("0").await, Err(FindError::Ambiguous(_))));
    for missing in ["", "Z", "debug", &"0".repeat(64)] {
        assert!(matches!(get(missing).await, Err(FindError::Missing(_))), "{missing}");
    }
}

/// Of keys that live for minutes there are many: those that are long over are known to nobody.
pub async fn keys_are_current_for_as_long_as_they_lived(home: Home) {
    let registry = home.open().await;
    let issue = async |name: &str, change: fn(&mut NewKey)| {
        let mut new =
            NewKey { name: Some(name.into()), workload: Some("export".into()), ..new_key() };
        change(&mut new);
        registry.issue(new, &by("alice")).await.unwrap().key
    };
    issue("minutes", |new| new.expires = Some(now() + 10.minutes())).await;
    issue("days", |new| new.expires = Some(now() + 48.hours())).await;
    issue("ever", |new| new.expires = None).await;
    issue("later", |new| {
        new.not_before = Some(now() + 24.hours());
        new.expires = Some(now() + 25.hours());
    })
    .await;
    let revoked = issue("revoked", |new| new.expires = Some(now() + 10.minutes())).await;
    issue("decoy", |new| {
        *new = NewKey { name: new.name.take(), decoy: true, ..new_key() };
        (new.scopes, new.networks) = (Vec::new(), Vec::new());
        new.expires = Some(now() + 1.hour());
    })
    .await;
    let which = Selector::Text(revoked.id).into();
    registry.edit(&which, &Edit::Revoke, &by("alice"), &mut |_| {}).await.unwrap();

    let current = async |at| {
        let keys = registry.current(at).await.unwrap();
        let mut names: Vec<_> = keys.into_iter().filter_map(|key| key.name).collect();
        names.sort_unstable();
        names.join(" ")
    };
    let all = "days decoy ever later minutes revoked";
    assert_eq!(current(now()).await, all);
    assert_eq!(current(now() + 69.minutes()).await, all);
    assert_eq!(current(now() + 70.minutes()).await, "days decoy ever later");
    assert_eq!(current(now() + 26.hours() - 1.second()).await, "days decoy ever later");
    assert_eq!(current(now() + 26.hours()).await, "days decoy ever");
    assert_eq!(current(now() + 96.hours() - 1.second()).await, "days decoy ever");
    assert_eq!(current(now() + 96.hours()).await, "decoy ever");

    // What is valid or will be, of one workload; the decoy is of none.
    for (at, live) in [(now(), 4), (now() + 10.minutes(), 3), (now() + 25.hours(), 2)] {
        assert_eq!(registry.live("export", at).await.unwrap(), live, "{at}");
    }
    assert_eq!(registry.live("nobody", now()).await.unwrap(), 0);
}
