//! Keys of other systems.

use crate::common::{Home, by, new_key, now, verify};
use cedarkey_engine::token::KeyHash;
use cedarkey_registry::{ImportError, IssueError, NewKey, Row, Status};

fn row(number: usize) -> Row {
    (format!("row {number}"), Ok((new_key(), KeyHash::of(&format!("token {number}")))))
}

pub async fn rows_are_imported_all_or_none(home: Home) {
    let registry = home.open().await;
    let known = registry.import([row(7)], &by("alice"), &mut |_| {}).await;
    assert_eq!(known.unwrap(), 1);
    let mut rows: Vec<Row> = (1..=1200).map(row).collect();
    rows[99].1 = Err("there is no hash".into());
    rows[499].1 = Ok((NewKey { owner: String::new(), ..new_key() }, KeyHash::of("x")));
    rows[1199].1 = rows[0].1.clone();
    let error = registry.import(rows, &by("alice"), &mut |_| {}).await.unwrap_err();
    assert_eq!(error.to_string(), "4 of 1200 rows cannot be imported, so none is");
    let ImportError::Rows { wrong, .. } = error else { panic!("{error}") };
    let mut wrong: Vec<_> =
        wrong.iter().map(|(place, error)| format!("{place}: {error}")).collect();
    wrong.sort();
    assert_eq!(wrong[0], "row 100: there is no hash");
    assert_eq!(wrong[1], "row 1200: row 1 has the same hash");
    assert_eq!(wrong[2], "row 500: a key needs an owner");
    assert!(wrong[3].starts_with("row 7: the registry has a key with this hash already: `0"));
    assert_eq!(registry.all().await.unwrap().len(), 1);

    let mut seen = 0;
    let rows = (10..=1200).map(row);
    let count =
        registry.import(rows, &by("alice").with_approval(true), &mut |n| seen = n).await.unwrap();
    assert_eq!((count, seen), (1191, 1191));
    let keys = registry.all().await.unwrap();
    assert_eq!(keys.iter().filter(|key| key.status(now()) == Status::Pending).count(), 1191);
    assert!(verify(&registry).await.findings.is_empty());
}

pub async fn a_hash_and_a_name_are_taken_once(home: Home) {
    let registry = home.open().await;
    let named = || NewKey { name: Some("export".into()), ..new_key() };
    let key = registry.issue(named(), &by("alice")).await.unwrap().key;
    let again = registry.issue(named(), &by("alice")).await.unwrap_err();
    assert!(matches!(&again, IssueError::DuplicateName { id, .. } if *id == key.id), "{again}");
    let rows = ["a", "b"].map(|text| (text.into(), Ok((named(), KeyHash::of(text)))));
    let error = registry.import(rows, &by("alice"), &mut |_| {}).await.unwrap_err();
    let ImportError::Rows { wrong, .. } = error else { panic!("{error}") };
    assert_eq!(wrong.len(), 2);
}
