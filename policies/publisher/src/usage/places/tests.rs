//! Who has a place, and who gives way.

use cedarkey_bundle::{
    Archive, Draft, SegmentKind, SigningKey,
    keys::KeyShards,
    usage::{Head, Part, Report, Row, What},
};
use cedarkey_engine::{key::KeyRecord, token::KeyHash};
use tempfile::TempDir;

use super::*;
use crate::{
    Database, Options, Publisher,
    store::{Push, Pushed},
};

const NOW: i64 = 1_800_000_000;

fn key(number: u128) -> String {
    KeyId(number.to_be_bytes()).to_string()
}

#[test]
fn what_the_bundle_does_not_hold_is_forgotten_after_a_while() {
    let held = Held::with(&[KeyId(1_u128.to_be_bytes()), KeyId(2_u128.to_be_bytes())]);
    let places = vec![
        (key(1), 0),
        (key(2), NOW - KEPT - 5),
        (key(3), 0),
        (key(4), NOW - KEPT + 5),
        (key(5), NOW - KEPT),
        ("no id".into(), NOW - KEPT - 1),
    ];
    let plan = Plan::new(places, &held, NOW);
    assert_eq!((plan.back, plan.gone), (vec![key(2)], vec![key(3)]));
    assert_eq!(plan.forgotten, ["no id".to_owned(), key(5)]);
}

#[test]
fn where_it_is_crowded_the_longest_gone_give_way() {
    let held = Held::with(&[KeyId(7_u128.to_be_bytes())]);
    let gone = (100_u128..).take(CROWDED + 2).zip(1_i64..);
    let mut places: Vec<_> = gone.map(|(number, at)| (key(number), NOW - 86_400 + at)).collect();
    places.push((key(7), 0));
    let plan = Plan::new(places, &held, NOW);
    assert_eq!(plan.forgotten, [key(100), key(101), key(102)]);
    assert_eq!((plan.gone.len(), plan.back.len()), (0, 0));
}

impl Shared {
    /// Pushes a version that holds keys with these ids.
    async fn hold(&self, version: u64, ids: &[u8]) {
        let key = |id: &u8| {
            let key = KeyRecord {
                id: KeyId([*id; 16]),
                created: 0,
                not_before: 0,
                expires: 4_000_000_000_000,
                profile: 0,
            };
            (KeyHash([*id; 32]), key)
        };
        let keys = KeyShards::build(ids.iter().map(key).collect()).unwrap();
        let draft = Draft {
            name: "shop".into(),
            version,
            created: NOW,
            expires: NOW + 3_600,
            segments: keys.into_iter().map(|shard| (SegmentKind::Keys, shard)).collect(),
        };
        let Archive { envelope, segments } =
            draft.sign(&[&SigningKey::from_seed([1; 32])]).unwrap();
        let push = Push { envelope, segments: Some(segments), condition: None };
        let pushed = self.store.push(push, NOW, self.keep).await.unwrap();
        let Pushed::Stored(latest) = pushed else { panic!("{pushed:?}") };
        self.arrivals.learn("shop", &Arc::new(latest));
    }

    /// Tells of one use of each of these keys.
    async fn told(&self, sequence: u64, ids: &[u8]) {
        let row = |id: &u8| Row { key: [*id; 16], what: What::Allow(0), count: 1, last: 1 };
        let rows = ids.iter().map(row).collect();
        let head = Head { reporter: 1, sequence };
        let report =
            Report { head, parts: vec![Part { names: vec!["a".into()], rows, dropped: 0 }] };
        let latest = self.arrivals.known("shop").unwrap();
        self.write_usage("shop", &latest, &report).await.unwrap();
    }

    async fn places(&self) -> Vec<(u8, i64)> {
        let places = self.store.usage_places("shop").await.unwrap();
        let mut places: Vec<_> = places
            .into_iter()
            .map(|(key, gone)| (KeyId::parse(&key).unwrap().0[0], gone))
            .collect();
        places.sort_unstable();
        places
    }
}

#[tokio::test]
async fn keys_that_are_gone_for_long_make_room() {
    let folder = TempDir::new().unwrap();
    let options = Options {
        database: Database::Sqlite(folder.path().join("bundles.db")),
        signers: std::iter::empty().collect(),
        max_bundle_bytes: 1 << 20,
        max_connections: 10,
        patience: Options::PATIENCE,
        keep: 3.try_into().unwrap(),
        mirrors: Vec::new(),
        github_keys: None,
        usage: true,
    };
    let shared = Publisher::open(options).await.unwrap().shared;
    shared.hold(1, &[1, 2, 3]).await;
    shared.told(1, &[1, 2, 3, 4]).await;
    shared.clear_places(NOW).await;
    assert_eq!(shared.places().await, [(1, 0), (2, 0), (3, 0)]);
    shared.hold(2, &[1]).await;
    shared.clear_places(NOW).await;
    assert_eq!(shared.places().await, [(1, 0), (2, NOW), (3, NOW)]);
    // A rollback brings one back.
    shared.hold(3, &[1, 2]).await;
    shared.clear_places(NOW + 5).await;
    assert_eq!(shared.places().await, [(1, 0), (2, 0), (3, NOW)]);
    // Whoever goes on telling of a key that is gone does not keep its place.
    shared.told(2, &[3]).await;
    shared.clear_places(NOW + KEPT - 1).await;
    assert_eq!(shared.places().await.len(), 3);
    shared.clear_places(NOW + KEPT).await;
    assert_eq!(shared.places().await, [(1, 0), (2, 0)]);
    let usage = shared.keeps_usage().unwrap();
    assert_eq!(usage.forgotten.get(), 1);
    shared.told(3, &[3]).await;
    assert_eq!(shared.places().await, [(1, 0), (2, 0)]);
}
