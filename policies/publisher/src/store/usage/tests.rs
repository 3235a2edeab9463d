//! What is written in pieces, and breaks off between them.

use cedarkey_bundle::usage::{Head, What};
use tempfile::TempDir;

use super::*;
use crate::store::Database;

const NOW: i64 = 1_800_000_000;

/// Enough for three pieces.
const KEYS: usize = 2 * PIECE + 10;

async fn store(folder: &TempDir) -> Store {
    Store::open(&Database::Sqlite(folder.path().join("bundles.db"))).await.unwrap()
}

fn ids() -> Vec<KeyId> {
    (1_u128..).take(KEYS).map(|id| KeyId(id.to_be_bytes())).collect()
}

/// One request of each key.
fn report(sequence: u64) -> Report {
    let last = NOW.try_into().unwrap();
    let row = |id: KeyId| Row { key: id.0, what: What::Allow(0), count: 1, last };
    let rows = ids().into_iter().map(row).collect();
    let head = Head { reporter: 7, sequence };
    Report { head, parts: vec![Part { names: vec!["listOrders".into()], rows, dropped: 0 }] }
}

/// How often each key was used, without those that were used as often as the one before.
async fn counts(store: &Store) -> Vec<u64> {
    let known = store.usage("shop", "", 10_000).await.unwrap();
    assert_eq!(known.len(), KEYS);
    let mut counts: Vec<_> = known.iter().map(|known| known.counts.allowed.count).collect();
    counts.dedup();
    counts
}

#[tokio::test]
async fn what_breaks_off_goes_on_where_it_was_and_nothing_counts_twice() {
    let folder = TempDir::new().unwrap();
    let (held, report) = (Held::with(&ids()), report(1));
    let before = store(&folder).await;
    let mut adding = before.prepare("shop", &report, &held, NOW).await.unwrap();
    assert_eq!(before.add_piece(&mut adding).await.unwrap(), Some(false));
    assert_eq!(before.usage("shop", "", 10_000).await.unwrap().len(), PIECE);
    before.close().await;
    // After a restart it comes again, and once more before it was answered.
    let after = store(&folder).await;
    let add = || after.add_usage("shop", &report, &held, NOW);
    let (one, other) = tokio::join!(add(), add());
    let whole = Taken::New(LeftOut::default());
    assert!([one.unwrap(), other.unwrap()].contains(&whole));
    assert_eq!(counts(&after).await, [1]);
    assert_eq!(add().await.unwrap(), Taken::Repeated);
    assert_eq!(counts(&after).await, [1]);
}

#[tokio::test]
async fn what_broke_off_does_not_hold_up_the_next_report() {
    let folder = TempDir::new().unwrap();
    let (store, held) = (store(&folder).await, Held::with(&ids()));
    let first = report(1);
    let mut adding = store.prepare("shop", &first, &held, NOW).await.unwrap();
    assert_eq!(store.add_piece(&mut adding).await.unwrap(), Some(false));
    let whole = Taken::New(LeftOut::default());
    assert_eq!(store.add_usage("shop", &report(2), &held, NOW).await.unwrap(), whole);
    assert_eq!(counts(&store).await, [2, 1]);
    assert_eq!(store.add_usage("shop", &first, &held, NOW).await.unwrap(), Taken::Repeated);
}

#[tokio::test]
async fn where_there_is_no_room_it_is_counted() {
    let folder = TempDir::new().unwrap();
    let (store, held) = (store(&folder).await, Held::with(&ids()));
    let report = report(1);
    let mut adding = store.prepare("shop", &report, &held, NOW).await.unwrap();
    assert_eq!(adding.room, MAX_KEYS);
    adding.room = PIECE + 1;
    while store.add_piece(&mut adding).await.unwrap() == Some(false) {}
    assert_eq!(store.usage("shop", "", 10_000).await.unwrap().len(), PIECE + 1);
    let no_room = (KEYS - PIECE - 1).try_into().unwrap();
    assert_eq!(adding.left_out, LeftOut { no_room, unknown: 0 });
}
