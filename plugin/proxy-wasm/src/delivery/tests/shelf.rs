//! What the VMs of a process hand to each other.

use super::world::*;
use serde_json::json;

/// A process with version 7 on the shelf, and the VM that put it there.
fn stocked() -> (World, Vm) {
    let mut world = World::new();
    let (mut vm, poll) = Vm::polling(&mut world);
    assert_eq!(vm.receive(&mut world, &poll, &bundle(7)), "7 from publisher");
    (world, vm)
}

#[test]
fn the_others_take_what_one_has_fetched() {
    let (mut world, mut holder) = stocked();
    let config = config(|_| ());
    let mut others = [2, 3].map(|identity| Vm::new(&config, identity));
    for other in &mut others {
        assert_eq!(other.settle(&mut world), "7 from shelf");
        assert_eq!(other.tick(&mut world), "nothing");
    }
    let poll = holder.next_poll(&mut world);
    holder.receive(&mut world, &poll, &bundle(8));
    for other in &mut others {
        assert_eq!(other.settle(&mut world), "8 from shelf");
    }
    assert_eq!(world.calls.len(), 0);
}

#[test]
fn a_new_configuration_takes_it_before_its_first_tick() {
    let (mut world, _) = stocked();
    let config = config(|json| json["key_from"] = json!([{"bearer": true}]));
    let mut vm = Vm::new(&config, 2);
    assert_eq!(tell(vm.delivery.catch_up(&mut world)), "7 from shelf");
}

#[test]
fn configurations_that_trust_otherwise_do_not_meet() {
    let (mut world, _) = stocked();
    let other_key = signer(2).public().to_string();
    for config in [
        config(|json| json["bundle"] = "other".into()),
        config(|json| json["trusted_keys"] = json!([other_key])),
        config(|json| {
            let key = json["trusted_keys"][0].clone();
            json["trusted_keys"] = json!([key, other_key]);
        }),
    ] {
        assert_eq!(tell(Vm::new(&config, 2).delivery.catch_up(&mut world)), "nothing");
    }
}

#[test]
fn the_order_of_trusted_keys_does_not_matter() {
    let keys = [1, 2].map(|seed| signer(seed).public().to_string());
    let [a, b] = &keys;
    let place = |keys| super::super::shelf::place(&config(|json| json["trusted_keys"] = keys));
    assert_eq!(place(json!([a, b])), place(json!([b, a])));
    assert_ne!(place(json!([a, b])), place(json!([a])));
}

/// What may happen to a value.
const CHANGES: [fn(&mut Vec<u8>); 3] = [
    |value| value.clear(),
    |value| value.truncate(value.len() / 2),
    |value| value.iter_mut().next_back().into_iter().for_each(|last| *last ^= 1),
];

#[test]
fn what_lies_on_the_shelf_is_not_trusted() {
    let untouched = stocked().0.data;
    let is_read = |key: &&String| {
        let read = ["/label", "/envelope/", "/model/", "/routes/", "/revocations/", "/directory/"];
        read.iter().any(|part| key.contains(part))
    };
    let keys: Vec<_> = untouched.keys().filter(is_read).cloned().collect();
    assert_eq!(keys.len(), 6, "a label, an envelope and four segments");
    for key in keys {
        for change in CHANGES {
            let mut world = World::new();
            world.data = untouched.clone();
            change(&mut world.data.get_mut(&key).unwrap().0);
            let mut vm = Vm::new(&config(|_| ()), 2);
            let outcome = tell(vm.delivery.catch_up(&mut world));
            assert!(matches!(&*outcome, "nothing" | "incomplete"), "{key}: {outcome}");
            assert_eq!(tell(vm.delivery.catch_up(&mut world)), "nothing", "it is tried once");
        }
    }
}

#[test]
fn a_forged_bundle_on_the_shelf_is_refused_as_from_the_publisher() {
    let (mut world, _) = stocked();
    // Another configuration's bundle, put where this one's are.
    let theirs = config(|json| json["trusted_keys"] = json!([signer(2).public().to_string()]));
    let mut vm = Vm::new(&theirs, 2);
    vm.tick(&mut world);
    vm.tick(&mut world);
    let poll = world.call();
    vm.receive(&mut world, &poll, &draft(9).sign(&[&signer(2)]).unwrap());
    let here = super::super::shelf::place(&theirs);
    let there = super::super::shelf::place(&config(|_| ()));
    for (key, value) in world.data.clone() {
        if let Some(rest) = key.strip_prefix(&here) {
            world.data.insert(format!("{there}{rest}"), value);
        }
    }
    let mut vm = Vm::new(&config(|_| ()), 3);
    assert_eq!(tell(vm.delivery.catch_up(&mut world)), "unknown_signer");
}

#[test]
fn only_what_is_in_force_stays_on_the_shelf() {
    let (mut world, mut vm) = stocked();
    for version in 8..20 {
        let poll = vm.next_poll(&mut world);
        vm.receive(&mut world, &poll, &bundle(version));
    }
    world.pass(5_000);
    vm.next_poll(&mut world);
    let mut held: Vec<_> = world.data.iter().collect();
    held.retain(|(key, (value, _))| !key.contains("/lease/") && !value.is_empty());
    assert_eq!(held.len(), 9, "a label, an envelope, four segments, a head, pen, extent: {held:?}");
}

#[test]
fn a_later_bundle_is_not_covered_by_an_earlier_one() {
    let (mut world, mut late) = stocked();
    let poll = late.next_poll(&mut world);
    // While this VM waits for the answer, another becomes the holder and gets further.
    world.pass(60_000);
    let mut early = Vm::new(&config(|_| ()), 2);
    assert_eq!(early.settle(&mut world), "7 from shelf");
    let other = early.next_poll(&mut world);
    early.receive(&mut world, &other, &bundle(9));
    assert_eq!(late.answer(&mut world, &poll, envelope(&bundle(8))), "nothing");
    assert_eq!(late.settle(&mut world), "9 from shelf");
    assert_eq!(world.calls.len(), 0, "what it had begun is of no use");
    assert_eq!(tell(Vm::new(&config(|_| ()), 3).delivery.catch_up(&mut world)), "9 from shelf");
}

#[test]
fn a_bundle_that_cannot_be_used_any_more_gives_way_to_an_earlier_version() {
    let (mut world, _) = stocked();
    world.now = EXPIRES * 1000;
    let mut vm = Vm::new(&config(|_| ()), 2);
    assert_eq!(vm.settle(&mut world), "expired");
    vm.tick(&mut world);
    let poll = world.call();
    let mut draft = draft(6);
    draft.expires = EXPIRES + 60;
    assert_eq!(
        vm.receive(&mut world, &poll, &draft.sign(&[&signer(1)]).unwrap()),
        "6 from publisher"
    );
    assert_eq!(tell(Vm::new(&config(|_| ()), 3).delivery.catch_up(&mut world)), "6 from shelf");
}
