//! Keys in shared data.

use super::world::*;
use cedarkey_bundle::{Archive, Draft, SegmentKind};
use cedarkey_engine::key::Unreadable;
use cedarkey_engine::model::ModelImage;
use std::collections::BTreeMap;

/// Enough for several shards.
const KEYS: u64 = 8_000;

/// A process with this bundle in force, in the VM that fetched it.
fn stocked(bundle: &Archive) -> (World, Vm) {
    let mut world = World::new();
    let (mut vm, poll) = Vm::polling(&mut world);
    let version = bundle.envelope.manifest().version;
    assert_eq!(vm.receive(&mut world, &poll, bundle), format!("{version} from publisher"));
    (world, vm)
}

/// Another VM of the process, which takes what is there.
fn other(world: &mut World, identity: u64) -> Vm {
    let mut vm = Vm::new(&config(|_| ()), identity);
    tell(vm.delivery.catch_up(world));
    vm
}

/// The segments of a bundle, as a draft has them.
fn segments(bundle: Archive) -> Vec<(SegmentKind, Vec<u8>)> {
    let kinds = bundle.envelope.manifest().segments.iter().map(|segment| segment.kind);
    kinds.zip(bundle.segments.clone()).collect()
}

/// The next version comes, by the VM that asks.
#[track_caller]
fn push(world: &mut World, vm: &mut Vm, bundle: &Archive) {
    let poll = vm.next_poll(world);
    let version = bundle.envelope.manifest().version;
    assert_eq!(vm.receive(world, &poll, bundle), format!("{version} from publisher"));
}

/// What lies in shared data of keys: how many values that are not empty, and how many names.
fn stock(world: &World) -> (usize, usize) {
    let keys = world.data.iter().filter(|(key, _)| key.starts_with("ck/"));
    (keys.clone().filter(|(_, (value, _))| !value.is_empty()).count(), keys.count())
}

/// Lets as much time pass as it takes until what is old is taken away. A poll is left open.
fn tidy(world: &mut World, vm: &mut Vm) {
    world.pass(3_000);
    for _ in 0..200 {
        world.pass(10);
        assert_eq!(vm.tick(world), "nothing");
    }
    let poll = world.call();
    assert_eq!(world.calls.len(), 0);
    vm.answer(world, &poll, status(304));
}

#[test]
fn a_key_is_read_once_and_then_remembered() {
    let (mut world, holder) = stocked(&bundle_of(7, 1..=KEYS));
    let late = other(&mut world, 2);
    for vm in [&holder, &late] {
        assert_eq!(vm.find(&mut world, 1), (Ok(7), 2), "a head and a bucket");
        assert_eq!(vm.find(&mut world, 1), (Ok(7), 0));
        for number in 1..=KEYS {
            assert_eq!(vm.find(&mut world, number).0, Ok(7));
        }
        for number in KEYS + 1..KEYS + 500 {
            let (found, reads) = vm.find(&mut world, number);
            assert!(found == Ok(0) && reads <= 1, "heads are remembered: {reads}");
        }
    }
}

#[test]
fn a_new_version_brings_its_own_keys_and_keeps_what_is_the_same() {
    let first = bundle_of(7, 1..=KEYS);
    let (mut world, mut vm) = stocked(&first);
    for number in 1..=100 {
        assert_eq!(vm.find(&mut world, number).0, Ok(7));
    }
    let second = bundle_with(8, (1..=KEYS).map(|at| (at, if at == 5 { 8 } else { 7 })));
    let poll = vm.next_poll(&mut world);
    vm.answer(&mut world, &poll, envelope(&second));
    let mut asked = 0;
    while vm.version() == 7 {
        vm.tick(&mut world);
        while let Some(call) = world.calls.pop_front() {
            asked += 1;
            vm.answer(&mut world, &call, segment(&second, &call));
        }
        vm.tick(&mut world);
    }
    assert_eq!(asked, 3, "the revocations, the directory and one shard");
    assert_eq!(vm.find(&mut world, 5).0, Ok(8));
    let reads: usize = (1..=100).map(|at| vm.find(&mut world, at).1).sum();
    assert!(reads < 100, "the other shards are remembered: {reads}");
}

#[test]
fn what_is_remembered_is_what_is_there() {
    for seed in 0..4 {
        let mut random = fastrand::Rng::with_seed(seed);
        // Keys with what they tell, besides as many others as make one shard or several.
        let mut keys: BTreeMap<u64, u64> = (1..=30).map(|at| (at, 1)).collect();
        let bundle = |version, keys: &BTreeMap<u64, u64>, others| {
            let others = (1_000..1_000 + others).map(|at| (at, 1));
            bundle_with(version, keys.clone().into_iter().chain(others))
        };
        let (mut world, mut vm) = stocked(&bundle(7, &keys, 0));
        let mut late = other(&mut world, 2);
        let mut all = BTreeMap::from([(7, keys.clone())]);
        for version in 8..48 {
            match random.u8(..8) {
                // All is as it was some time ago.
                0 => keys = random.choice(all.values()).unwrap().clone(),
                _ => (0..3).for_each(|_| match (random.u64(1..=40), random.bool()) {
                    (at, true) => drop(keys.remove(&at)),
                    (at, false) => drop(keys.insert(at, version)),
                }),
            }
            all.insert(version, keys.clone());
            push(
                &mut world,
                &mut vm,
                &bundle(version, &keys, random.choice([0, 0, KEYS]).unwrap()),
            );
            for _ in 0..60 {
                let number = random.u64(1..=40);
                let found = late.request(&mut world, number).unwrap();
                assert_eq!(found, all[&late.version()].get(&number).copied().unwrap_or(0));
                let found = vm.find(&mut world, number).0.unwrap();
                assert_eq!(found, keys.get(&number).copied().unwrap_or(0), "{seed}: {version}");
            }
        }
        assert!(late.version() > 7, "it has overtaken");
    }
}

#[test]
fn a_key_is_looked_for_anew_where_tokens_have_another_form() {
    let (mut world, mut vm) = stocked(&bundle_of(7, 1..=KEYS));
    assert_eq!(vm.find(&mut world, 1), (Ok(7), 2));
    let mut same = segments(bundle_of(7, 1..=KEYS));
    let next = |version, segments: &[_]| {
        let segments = segments.to_vec();
        Draft { segments, ..draft(version) }.sign(&[&signer(1)]).unwrap()
    };
    push(&mut world, &mut vm, &next(8, &same));
    assert_eq!(vm.find(&mut world, 1), (Ok(7), 0), "the keys are the same");
    let (_, model) = same.iter_mut().find(|(kind, _)| *kind == SegmentKind::Model).unwrap();
    let mut image: ModelImage = postcard::from_bytes(model).unwrap();
    image.token.allow_foreign = true;
    *model = postcard::to_allocvec(&image).unwrap();
    push(&mut world, &mut vm, &next(9, &same));
    assert_eq!(vm.find(&mut world, 1), (Ok(7), 2), "it could be of a form that no longer counts");
}

#[test]
fn a_vm_that_is_late_takes_the_new_version_at_once_and_never_mixes() {
    let (mut world, mut vm) = stocked(&bundle_of(7, 1..=KEYS));
    let mut late = other(&mut world, 2);
    assert_eq!(late.request(&mut world, 1), Ok(7));
    push(&mut world, &mut vm, &bundle_of(8, 1..=KEYS));
    // Its version is still there, and it has not looked.
    assert_eq!((late.request(&mut world, 2), late.version()), (Ok(7), 7));
    push(&mut world, &mut vm, &bundle_of(9, 1..=KEYS));
    // What it decides with has been replaced.
    assert_eq!(late.find(&mut world, 3).0, Err(Unreadable));
    assert_eq!((late.request(&mut world, 3), late.version()), (Ok(9), 9));
    for number in 1..=KEYS {
        assert_eq!(late.find(&mut world, number).0, Ok(9));
    }
}

/// While a version is being written, and whenever its writer stops for ever, every VM decides with
/// the version before, or wholly with the new one.
#[test]
fn no_lookup_ever_mixes_two_versions() {
    let bundles: Vec<_> = (7..=10).map(|version| bundle_of(version, 1..=KEYS)).collect();
    let (mut world, mut vm) = stocked(&bundles[0]);
    let mut readers = [other(&mut world, 2), other(&mut world, 3)];
    for bundle in &bundles[1..] {
        let poll = vm.next_poll(&mut world);
        vm.answer(&mut world, &poll, envelope(bundle));
        let version = bundle.envelope.manifest().version;
        let mut step = 0_u64;
        while vm.version() < version {
            vm.tick(&mut world);
            if let Some(call) = world.calls.pop_front() {
                vm.answer(&mut world, &call, segment(bundle, &call));
            }
            step += 1;
            for reader in &mut readers {
                let number = step * 97 % KEYS + 1;
                let found = reader.request(&mut world, number);
                assert_eq!(found, Ok(reader.version()), "key {number} of step {step}");
            }
        }
    }
    for reader in &mut readers {
        assert_eq!(reader.settle(&mut world), "10 from shelf");
    }
}

#[test]
fn what_is_no_longer_needed_is_taken_away_and_names_do_not_multiply() {
    let (mut world, mut vm) = stocked(&bundle_of(7, 1..=KEYS));
    let before = stock(&world);
    let mut names = Vec::new();
    for version in 8..20 {
        push(&mut world, &mut vm, &bundle_of(version, 1..=KEYS));
        assert!(stock(&world).0 > before.0, "the version before is left to those who are late");
        tidy(&mut world, &mut vm);
        assert_eq!(stock(&world).0, before.0, "after version {version}");
        names.push(world.data.len());
    }
    assert_eq!(names.iter().max(), names.get(1), "{names:?}");
}

#[test]
fn fewer_and_more_shards_leave_nothing_behind() {
    let (mut world, mut vm) = stocked(&bundle_of(7, 1..=100));
    let before = stock(&world);
    for (version, keys) in [(8, 30_000), (9, 100), (10, 5_000), (11, 100)] {
        push(&mut world, &mut vm, &bundle_of(version, 1..=keys));
        tidy(&mut world, &mut vm);
        for number in [1, keys / 2, keys] {
            assert_eq!(vm.find(&mut world, number).0, Ok(version));
        }
    }
    assert_eq!(stock(&world).0, before.0);
}

#[test]
fn a_vm_that_takes_over_goes_on_where_the_other_stopped() {
    let (mut world, mut vm) = stocked(&bundle_of(7, 1..=KEYS));
    let mut next = other(&mut world, 2);
    let bundle = bundle_of(8, 1..=KEYS);
    let shards = bundle.segments.len() - 4;
    let poll = vm.next_poll(&mut world);
    vm.answer(&mut world, &poll, envelope(&bundle));
    // It dies when half of the shards are there, and one in part.
    let mut answered = 0;
    while answered < 2 + shards / 2 {
        vm.tick(&mut world);
        if let Some(call) = world.calls.pop_front() {
            vm.answer(&mut world, &call, segment(&bundle, &call));
            answered += 1;
        }
    }
    for _ in 0..10 {
        vm.tick(&mut world);
    }
    if let Some(call) = world.calls.pop_front() {
        vm.answer(&mut world, &call, segment(&bundle, &call));
        vm.tick(&mut world);
    }
    assert_eq!(vm.version(), 7);
    drop(vm);
    world.calls.clear();
    assert_eq!(next.request(&mut world, 1), Ok(7));
    world.pass(5_000);
    let poll = next.next_poll(&mut world);
    next.answer(&mut world, &poll, envelope(&bundle));
    let mut asked = 0;
    while next.version() == 7 {
        next.tick(&mut world);
        while let Some(call) = world.calls.pop_front() {
            asked += 1;
            next.answer(&mut world, &call, segment(&bundle, &call));
        }
        world.pass(10);
    }
    assert!((1..shards).contains(&asked), "{asked} of {shards}");
    for number in 1..=KEYS {
        assert_eq!(next.find(&mut world, number).0, Ok(8));
    }
}

/// Whatever is done to what lies in shared data, a key is found as it is, or not at all; and it is
/// mended from the publisher.
#[test]
fn what_is_changed_in_shared_data_is_noticed_and_mended() {
    let bundle = bundle_of(7, 1..=KEYS);
    let changes: [fn(&mut Vec<u8>); 3] = [
        |value| value.clear(),
        |value| value.truncate(value.len() / 2),
        |value| value.iter_mut().next_back().into_iter().for_each(|last| *last ^= 1),
    ];
    for change in changes {
        let (mut world, mut holder) = stocked(&bundle);
        let mut vm = other(&mut world, 2);
        let buckets = world.data.iter_mut().filter(|(key, _)| key.starts_with("ck/"));
        buckets.for_each(|(_, (value, _))| change(value));
        for number in 1..=100 {
            assert_eq!(vm.find(&mut world, number).0, Err(Unreadable));
        }
        for number in 1..=KEYS {
            if vm.request(&mut world, number).is_ok() {
                continue;
            }
            // It complains, and the holder of the lease asks at once.
            for _ in 0..3 {
                holder.tick(&mut world);
            }
            let poll = world.calls.pop_back().expect("it polls");
            assert_eq!(poll.header("if-none-match"), None);
            world.calls.clear();
            assert_eq!(holder.receive(&mut world, &poll, &bundle), "nothing");
            assert_eq!(vm.request(&mut world, number), Ok(7));
        }
    }
}

#[test]
fn two_writers_do_not_write_at_once() {
    let (mut world, mut vm) = stocked(&bundle_of(7, 1..=KEYS));
    // The same bundle, from elsewhere: both have a lease.
    let elsewhere = config(|json| json["publisher"]["cluster"] = "other".into());
    let mut second = Vm::new(&elsewhere, 2);
    tell(second.delivery.catch_up(&mut world));
    let poll = vm.next_poll(&mut world);
    vm.answer(&mut world, &poll, envelope(&bundle_of(8, 1..=KEYS)));
    vm.ask(&mut world);
    world.calls.clear();
    let poll = second.next_poll(&mut world);
    second.answer(&mut world, &poll, envelope(&bundle_of(9, 1..=KEYS)));
    for _ in 0..20 {
        second.tick(&mut world);
        vm.tick(&mut world);
    }
    assert_eq!(world.calls.len(), 0, "the second waits");
    // The first is gone.
    drop(vm);
    world.pass(4_000);
    second.ask(&mut world);
    let bundle = bundle_of(9, 1..=KEYS);
    while second.version() == 7 {
        second.tick(&mut world);
        while let Some(call) = world.calls.pop_front() {
            second.answer(&mut world, &call, segment(&bundle, &call));
        }
    }
    assert_eq!(second.find(&mut world, 1).0, Ok(9));
}

#[test]
fn a_shard_that_is_not_what_it_should_be_is_refused() {
    let (mut world, mut vm) = stocked(&bundle_of(7, 1..=KEYS));
    // The manifest is signed, but its directory is that of other shards.
    let mut draft = draft(8);
    draft.segments = segments(bundle_of(8, 1..=KEYS));
    let last = draft.segments.len() - 1;
    draft.segments[last] = segments(bundle_of(9, 1..=KEYS))[last].clone();
    let mixed = draft.sign(&[&signer(1)]).unwrap();
    let poll = vm.next_poll(&mut world);
    assert_eq!(vm.receive(&mut world, &poll, &mixed), "damaged");
    for number in 1..=100 {
        assert_eq!(vm.request(&mut world, number), Ok(7));
    }
    push(&mut world, &mut vm, &bundle_of(9, 1..=KEYS));
    assert_eq!(vm.find(&mut world, 1).0, Ok(9));
}
