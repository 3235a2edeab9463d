//! Buckets, and what vouches for them.

use crate::common::{hash, inventory, record};
use cedarkey_bundle::{
    Digest,
    keys::{Cutter, Directory, Entry, Head, KeyShards, find},
};
use cedarkey_engine::{key::KeyRecord, token::KeyHash};
use proptest::prelude::*;

/// A proxy's view of an inventory: the directory, and heads and buckets by shard.
struct Cut {
    directory: Directory,
    heads: Vec<Vec<u8>>,
    buckets: Vec<Vec<Vec<u8>>>,
}

impl Cut {
    fn of(keys: Vec<(KeyHash, KeyRecord)>) -> Self {
        let shards = KeyShards::build(keys).unwrap();
        let directory = Directory::open(Directory::build(&shards).unwrap()).unwrap();
        let (mut heads, mut buckets) = (Vec::new(), Vec::new());
        for (number, shard) in shards.into_iter().enumerate() {
            let mut cutter = Cutter::new(number, shard).unwrap();
            let mut own = Vec::new();
            while let Some((at, bucket)) = cutter.cut() {
                assert_eq!(at, own.len());
                own.push(bucket.to_vec());
            }
            assert_eq!(own.len(), cutter.buckets());
            buckets.push(own);
            let cut = cutter.finish();
            assert_eq!(Some(Entry::of(&cut)), directory.entry(number));
            heads.push(cut.head);
        }
        Self { directory, heads, buckets }
    }

    fn find(&self, hash: &KeyHash) -> Option<KeyRecord> {
        let shard = self.directory.shard_of(hash);
        let root = self.directory.entry(shard).unwrap().root;
        let head = Head::open(shard, self.heads[shard].clone(), &root).unwrap();
        let number = head.bucket_of(&hash.0);
        let bucket = &self.buckets[shard][number];
        assert_eq!(head.is_empty(number), bucket.is_empty());
        assert!(bucket.is_empty() || head.vouches(number, bucket));
        find(bucket, hash)
    }
}

#[test]
fn every_key_is_in_its_bucket_and_no_other_is() {
    for count in [0, 1, 48, 49, 3_449, 20_000] {
        let cut = Cut::of(inventory(count));
        assert_eq!(cut.directory.keys(), count);
        let highest = (1..=count).map(|number| record(number).profile + 1).max();
        assert_eq!(cut.directory.profiles(), highest.unwrap_or(0));
        assert!(cut.buckets.iter().flatten().all(|bucket| bucket.len() < 8 * 1024));
        for number in 1..=count {
            assert_eq!(cut.find(&hash(number)), Some(record(number)));
        }
        for number in count + 1..count + 500 {
            assert_eq!(cut.find(&hash(number)), None);
        }
    }
}

#[test]
fn a_decoy_is_found_as_others_are_and_has_no_profile() {
    let mut keys = inventory(100);
    for (_, key) in keys.iter_mut().step_by(3) {
        key.profile = KeyRecord::DECOY;
    }
    let others = keys.iter().filter(|(_, key)| !key.is_decoy());
    let highest = others.map(|(_, key)| key.profile + 1).max();
    let cut = Cut::of(keys.clone());
    assert_eq!(cut.directory.profiles(), highest.unwrap());
    assert_eq!(cut.directory.keys(), 100);
    assert!(keys.iter().all(|(hash, key)| cut.find(hash) == Some(*key)));
}

#[test]
fn another_head_or_bucket_is_not_taken() {
    let cut = Cut::of(inventory(10_000));
    let root = cut.directory.entry(1).unwrap().root;
    let head = Head::open(1, cut.heads[1].clone(), &root).unwrap();
    assert!(Head::open(1, cut.heads[2].clone(), &root).is_err());
    let error = Head::open(0, cut.heads[1].clone(), &root).unwrap_err().to_string();
    assert_eq!(error, "head of key shard 0 is invalid: its number is that of another shard");
    for at in 0..cut.heads[1].len() {
        let mut changed = cut.heads[1].clone();
        changed[at] ^= 1;
        assert!(Head::open(1, changed, &root).is_err());
    }
    assert!(!head.vouches(0, &cut.buckets[1][1]) && !head.vouches(0, &cut.buckets[0][0]));
    assert!(!head.vouches(0, b"") && !head.vouches(usize::MAX, b"") && head.is_empty(usize::MAX));
}

#[test]
fn a_head_that_its_root_fits_is_still_checked() {
    let cut = Cut::of(inventory(100));
    let good = &cut.heads[0];
    let open = |bytes: Vec<u8>| {
        let root = Digest::of(&bytes);
        Head::open(0, bytes, &root).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(open(good.clone()), Ok(()));
    for length in 0..good.len() {
        assert!(open(good[..length].to_vec()).is_err(), "{length}");
    }
    assert!(open([good.as_slice(), &[0]].concat()).is_err());
    for (at, message) in [
        (10, "head of key shard 0 has the size 255, and 16 is the most that is accepted"),
        (24, "head of key shard 0 has the size 255, and 8 is the most that is accepted"),
    ] {
        let mut changed = good.clone();
        changed[at] = 255;
        assert_eq!(open(changed), Err(message.into()));
    }
}

#[test]
fn a_directory_is_read_to_its_end_and_no_further() {
    let shards = KeyShards::build(inventory(10_000)).unwrap();
    let good = Directory::build(&shards).unwrap();
    for length in 0..good.len() {
        assert!(Directory::open(good[..length].to_vec()).is_err(), "{length}");
    }
    assert!(Directory::open([good.as_slice(), &[0]].concat()).is_err());
    let mut huge = good.clone();
    huge[10] = 200;
    let error = Directory::open(huge).unwrap_err().to_string();
    assert_eq!(error, "the key directory has the size 200, and 16 is the most that is accepted");
    assert_eq!(Directory::open(good).unwrap().shards(), 4);
}

#[test]
fn one_key_more_changes_one_root() {
    let roots = |count| {
        let directory = Cut::of(inventory(count)).directory;
        directory.entries().map(|entry| entry.root).collect::<Vec<_>>()
    };
    let (before, after) = (roots(10_000), roots(10_001));
    assert_eq!(before.iter().zip(&after).filter(|(a, b)| a != b).count(), 1);
}

proptest! {
    #[test]
    fn garbage_is_no_directory(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Directory::open(bytes).is_err());
    }

    #[test]
    fn a_bucket_of_garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _found = find(&bytes, &hash(1));
    }

    #[test]
    fn hashes_that_are_not_spread_are_found_too(
        hashes in prop::collection::btree_set(any::<[u8; 2]>(), 0..300),
    ) {
        let crowded = |[a, b]: [u8; 2]| {
            let mut hash = [0x55; 32];
            (hash[0], hash[9], hash[10]) = (a & 3, b, a);
            KeyHash(hash)
        };
        let keys: Vec<_> =
            hashes.iter().zip(1..).map(|(at, number)| (crowded(*at), record(number))).collect();
        let cut = Cut::of(keys.clone());
        for (hash, key) in keys {
            prop_assert_eq!(cut.find(&hash), Some(key));
        }
    }
}
