//! The key index.

use crate::common::{hash, inventory, record};
use cedarkey_bundle::{
    DecodeError,
    keys::{BuildError, KeyIndex, KeyShards, MAX_SHARD},
};
use cedarkey_engine::{key::KeyId, token::KeyHash};
use proptest::prelude::*;

const HEADER: usize = 20;
const RECORD: usize = 76;

fn one_shard(count: u64) -> Vec<u8> {
    let mut shards = KeyShards::build(inventory(count)).unwrap();
    assert_eq!(shards.len(), 1);
    shards.remove(0)
}

#[test]
fn every_key_is_found_and_no_other() {
    for count in [0, 1, 2, 3, 100, 3_448, 3_449, 3_450, 20_000] {
        let shards = KeyShards::build(inventory(count)).unwrap();
        assert!(shards.len().is_power_of_two());
        assert!(shards.iter().all(|shard| shard.len() <= MAX_SHARD));
        let index = KeyIndex::open(shards).unwrap();
        assert_eq!((index.len() as u64, index.is_empty()), (count, count == 0));
        for number in 1..=count {
            assert_eq!(index.find(&hash(number)), Some(record(number)));
        }
        for number in count + 1..count + 1_000 {
            assert_eq!(index.find(&hash(number)), None);
        }
        for edge in [0, 255] {
            assert_eq!(index.find(&KeyHash([edge; 32])), None);
        }
        let listed: Vec<_> = index.iter().collect();
        let mut expected = inventory(count);
        expected.sort_by_key(|(hash, _)| hash.0);
        assert_eq!(listed, expected);
    }
}

#[test]
fn hashes_that_differ_only_at_their_end_are_told_apart() {
    let ends = |end: u8| {
        let mut hash = [0x42; 32];
        hash[31] = end;
        KeyHash(hash)
    };
    let keys = (1..=9).map(|end| (ends(end), record(end.into()))).collect();
    let index = KeyIndex::open(KeyShards::build(keys).unwrap()).unwrap();
    for end in 1..=9 {
        assert_eq!(index.find(&ends(end)), Some(record(end.into())));
    }
    assert_eq!(index.find(&ends(0)), None);
    assert_eq!(index.find(&ends(10)), None);
}

#[test]
fn the_order_of_the_inventory_does_not_matter() {
    let mut reversed = inventory(5_000);
    reversed.reverse();
    assert_eq!(KeyShards::build(reversed), KeyShards::build(inventory(5_000)));
}

#[test]
fn one_more_key_changes_one_shard() {
    let before = KeyShards::build(inventory(10_000)).unwrap();
    let after = KeyShards::build(inventory(10_001)).unwrap();
    assert_eq!(before.len(), after.len());
    assert_eq!(before.iter().zip(&after).filter(|(a, b)| a != b).count(), 1);
}

#[test]
fn an_inventory_with_a_fault_is_not_built() {
    let mut keys = inventory(3);
    keys.push((hash(2), record(9)));
    let ids = [record(2).id, record(9).id];
    let error = KeyShards::build(keys).unwrap_err();
    let message = "the keys `00000000000000000000000002` and `00000000000000000000000009` \
                   have the same hash";
    assert_eq!(error.to_string(), message);
    assert_eq!(error, BuildError::DuplicateHash { hash: hash(2).0, ids });

    let mut keys = inventory(3);
    keys.push((hash(9), record(2)));
    assert_eq!(KeyShards::build(keys), Err(BuildError::DuplicateId { id: record(2).id }));

    let mut nobody = record(1);
    nobody.id = KeyId([0; 16]);
    let error = KeyShards::build(vec![(hash(1), nobody)]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the key `00000000000000000000000000` cannot be in a bundle: its id is nothing but zeros"
    );

    let mut eternal = record(1);
    eternal.expires = i64::MAX;
    let error = KeyShards::build(vec![(hash(1), eternal)]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the key `00000000000000000000000001` cannot be in a bundle: it has a time outside of the years 0 to 9999"
    );

    let alike = |number: u64| {
        let mut hash = [7; 32];
        hash[24..].copy_from_slice(&number.to_be_bytes());
        (KeyHash(hash), record(number))
    };
    assert_eq!(KeyShards::build((1..4_000).map(alike).collect()), Err(BuildError::Crowded));
}

#[test]
fn every_truncation_and_every_byte_too_many_is_an_error() {
    let good = one_shard(5);
    for length in 0..good.len() {
        let error = KeyIndex::open(vec![good[..length].to_vec()]).unwrap_err();
        assert!(matches!(error, DecodeError::Truncated { .. }), "{length}: {error}");
    }
    let longer = [good.as_slice(), &[0]].concat();
    let error = KeyIndex::open(vec![longer]).unwrap_err();
    assert_eq!(error.to_string(), "bytes are left over after the end of key shard 0: 1");
}

#[test]
fn a_shard_with_a_fault_is_named() {
    let good = one_shard(5);
    let change = |at: usize, bytes: &[u8]| {
        let mut shard = good.clone();
        shard[at..at + bytes.len()].copy_from_slice(bytes);
        KeyIndex::open(vec![shard]).unwrap_err().to_string()
    };
    for (at, bytes, message) in [
        (0, &b"x"[..], "key shard 0 does not start with the label of one"),
        (8, &[2], "key shard 0 is of format 2, and this version of cedarkey reads format 1"),
        (10, &[1], "entry 2 of key shard 0 is invalid: its hash belongs to another shard"),
        (10, &[17], "key shard 0 has the size 17, and 16 is the most that is accepted"),
        (12, &[1], "key shard 0 is invalid: its number is that of another shard"),
        (16, &[4], "bytes are left over after the end of key shard 0: 76"),
        (
            16,
            &[255; 4],
            "key shard 0 is cut short: 326417514420 bytes were to come and 380 are left",
        ),
        (HEADER, &[255; 32], "entry 1 of key shard 0 is not above the one before it"),
        (HEADER + 32, &[0; 16], "entry 0 of key shard 0 is invalid: its id is nothing but zeros"),
        (
            HEADER + 48,
            &[0x80; 8],
            "entry 0 of key shard 0 is invalid: it has a time outside of the years 0 to 9999",
        ),
    ] {
        assert_eq!(change(at, bytes), message);
    }
    let mut twice = good.clone();
    twice.copy_within(HEADER..HEADER + RECORD, HEADER + RECORD);
    let error = KeyIndex::open(vec![twice]).unwrap_err();
    assert_eq!(error.to_string(), "entry 1 of key shard 0 is not above the one before it");
}

#[test]
fn a_set_of_shards_that_is_not_one_index_is_refused() {
    let shards = KeyShards::build(inventory(10_000)).unwrap();
    assert_eq!(shards.len(), 4);
    let open = |positions: &[usize]| {
        let set = positions.iter().map(|position| shards[*position].clone()).collect();
        KeyIndex::open(set).map(|index| index.len()).map_err(|error| error.to_string())
    };
    assert_eq!(open(&[0, 1, 2, 3]), Ok(10_000));
    let other = "key shard 1 is invalid: its number is that of another shard";
    assert_eq!(open(&[0, 2, 1, 3]), Err(other.into()));
    let number = "the key index is invalid: \
                  the number of shards is not the one that the shards name";
    assert_eq!(open(&[]), Err(number.into()));
    assert_eq!(open(&[0, 1, 2]), Err(number.into()));

    // Two shards that each are right, but of indexes cut in different ways.
    let mut halves = KeyShards::build(inventory(5_000)).unwrap();
    assert_eq!(halves.len(), 2);
    halves[1] = shards[1].clone();
    let error = KeyIndex::open(halves).unwrap_err();
    assert_eq!(error.to_string(), "the key index is invalid: the shards are not of one index");
}

proptest! {
    #[test]
    fn garbage_is_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(KeyIndex::open(vec![bytes]).is_err());
    }

    /// Behind a header that is right: an index that opens is one that can be used.
    #[test]
    fn garbage_records_never_panic(
        records in prop::collection::vec(prop::collection::vec(any::<u8>(), RECORD), 0..4),
        sorted: bool,
    ) {
        let mut records = records;
        if sorted {
            records.sort();
        }
        let mut shard = b"ck-keys\0\x01\0\0\0\0\0\0\0".to_vec();
        shard.extend(u32::try_from(records.len()).unwrap().to_le_bytes());
        shard.extend(records.concat());
        if let Ok(index) = KeyIndex::open(vec![shard]) {
            prop_assert_eq!(index.len(), records.len());
            for (hash, key) in index.iter() {
                prop_assert_eq!(index.find(&hash), Some(key));
            }
        }
    }

    #[test]
    fn any_inventory_is_found_again(
        hashes in prop::collection::btree_set(any::<[u8; 2]>(), 0..300),
    ) {
        // Hashes that share most of their bytes, to which no guess applies.
        let spread = |[a, b]: [u8; 2]| {
            let mut hash = [0x55; 32];
            (hash[0], hash[9]) = (a & 3, b);
            hash[10] = a;
            KeyHash(hash)
        };
        let keys: Vec<_> =
            hashes.iter().zip(1..).map(|(hash, number)| (spread(*hash), record(number))).collect();
        let index = KeyIndex::open(KeyShards::build(keys.clone()).unwrap()).unwrap();
        for (hash, key) in keys {
            prop_assert_eq!(index.find(&hash), Some(key));
        }
    }
}
