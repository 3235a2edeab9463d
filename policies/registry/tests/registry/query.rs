//! Looking keys up.

use crate::common::{Home, by, by_at, new_key, now};
use cedarkey_registry::{Filter, FindError, NewKey, Selector, Status};
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
