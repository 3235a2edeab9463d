//! The list of revoked keys.

use cedarkey_bundle::{DecodeError, revocations};
use cedarkey_engine::key::KeyId;
use proptest::prelude::*;

const HEADER: usize = 18;

fn id(number: u128) -> KeyId {
    KeyId(number.to_be_bytes())
}

#[test]
fn the_revoked_are_found_and_no_other() {
    for count in [0, 1, 2, 1_000] {
        let ids = (1..=count).rev().map(|number| id(number * 2));
        let list = revocations::open(revocations::build(ids.clone().chain(ids))).unwrap();
        assert_eq!((list.len() as u128, list.is_empty()), (count, count == 0));
        for number in 1..=count {
            assert!(list.contains(&id(number * 2)));
            assert!(!list.contains(&id(number * 2 + 1)));
        }
        assert!(!list.contains(&id(1)));
        assert!(list.iter().eq((1..=count).map(|number| id(number * 2))));
    }
}

#[test]
fn every_truncation_and_every_byte_too_many_is_an_error() {
    let good = revocations::build((1..=5).map(id));
    for length in 0..good.len() {
        assert!(revocations::open(good[..length].to_vec()).is_err(), "{length}");
    }
    for extra in 1..=33 {
        assert!(revocations::open([good.as_slice(), &vec![255; extra]].concat()).is_err());
    }
}

#[test]
fn a_list_with_a_fault_is_told_what_it_is() {
    let good = revocations::build([id(1), id(2), id(3)]);
    let change = |at: usize, byte: u8| {
        let mut list = good.clone();
        list[at] = byte;
        revocations::open(list).unwrap_err()
    };
    let text = |at, byte| change(at, byte).to_string();
    assert_eq!(text(0, b'x'), "the list of revocations does not start with the label of one");
    assert_eq!(
        text(8, 9),
        "the list of revocations is of format 9, and this version of cedarkey reads format 1"
    );
    assert_eq!(text(10, 2), "the list of revocations is 66 bytes long, but 50 were announced");
    assert!(matches!(change(17, 255), DecodeError::Length { .. }));
    for byte in [1, 0] {
        let message = "entry 1 of the list of revocations is not above the one before it";
        assert_eq!(text(HEADER + 31, byte), message);
    }
}

proptest! {
    #[test]
    fn garbage_is_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(revocations::open(bytes).is_err());
    }

    /// Behind a header that is right: what opens is what `build` would have written.
    #[test]
    fn what_opens_is_canonical(
        ids in prop::collection::vec(any::<[u8; 16]>(), 0..4),
        sorted: bool,
    ) {
        let mut ids = ids;
        if sorted {
            ids.sort();
        }
        let mut bytes = b"ck-revok\x01\0".to_vec();
        bytes.extend((ids.len() as u64).to_le_bytes());
        bytes.extend(ids.concat());
        let canonical = revocations::build(ids.into_iter().map(KeyId));
        prop_assert_eq!(revocations::open(bytes.clone()).is_ok(), bytes == canonical);
    }
}
