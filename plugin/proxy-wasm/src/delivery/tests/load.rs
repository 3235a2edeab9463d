//! Bundles that are good.

use super::world::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::time::Duration;

#[test]
fn a_poll_says_what_it_waits_for() {
    let mut world = World::new();
    let (_, poll) = Vm::polling(&mut world);
    assert_eq!(poll.path(), "/v1/bundles/quickstart/manifest");
    assert_eq!(poll.cluster, "publisher");
    let header = |name| poll.header(name);
    assert_eq!(
        (header(":method"), header(":authority")),
        (Some("GET"), Some("cedarkey-publisher"))
    );
    assert_eq!((header("prefer"), header("if-none-match")), (Some("wait=30"), None));
    assert_eq!(poll.timeout, Duration::from_secs(40));
    assert_eq!(header("x-cedarkey-node"), Some("edge%2F1"));
    assert_eq!(header("x-cedarkey-filter"), Some(env!("CARGO_PKG_VERSION")));
    assert_eq!((header("x-cedarkey-active"), header("x-cedarkey-error")), (None, None));
}

#[test]
fn a_bundle_comes_into_force_once_all_of_it_is_there() {
    let mut world = World::new();
    let (mut vm, poll) = Vm::polling(&mut world);
    assert_eq!(vm.receive(&mut world, &poll, &bundle(7)), "7 from publisher");
    let next = vm.next_poll(&mut world);
    assert_eq!(next.header("if-none-match"), Some("\"7\""));
    assert_eq!(next.header("x-cedarkey-active"), Some(&*format!("7;since={START}")));
    assert_eq!(vm.receive(&mut world, &next, &bundle(8)), "8 from publisher");
}

#[test]
fn few_segments_are_asked_for_at_a_time() {
    let mut world = World::new();
    let (mut vm, poll) = Vm::polling(&mut world);
    let bundle = bundle_of(7, 1..=20_000);
    vm.answer(&mut world, &poll, envelope(&bundle));
    let mut outcome = String::from("nothing");
    while outcome == "nothing" {
        vm.ask(&mut world);
        assert!(world.calls.len() <= 4, "{}", world.calls.len());
        let call = world.call();
        vm.answer(&mut world, &call, segment(&bundle, &call));
        outcome = vm.tick(&mut world);
    }
    assert_eq!(outcome, "7 from publisher");
}

#[test]
fn only_what_has_changed_is_fetched() {
    let mut world = World::new();
    let (mut vm, poll) = Vm::polling(&mut world);
    vm.receive(&mut world, &poll, &bundle(7));
    let poll = vm.next_poll(&mut world);
    let later = bundle(8);
    assert_eq!(vm.answer(&mut world, &poll, envelope(&later)), "nothing");
    vm.ask(&mut world);
    let call = world.call();
    assert_eq!(world.calls.len(), 0, "only the revocations differ");
    assert_eq!(vm.answer(&mut world, &call, segment(&later, &call)), "nothing");
    assert_eq!(vm.settle(&mut world), "8 from publisher");
}

#[test]
fn what_is_in_force_is_not_fetched_again() {
    let mut world = World::new();
    let (mut vm, poll) = Vm::polling(&mut world);
    vm.receive(&mut world, &poll, &bundle(7));
    let poll = vm.next_poll(&mut world);
    let known = world.now;
    assert_eq!(vm.answer(&mut world, &poll, envelope(&bundle(7))), "nothing");
    assert_eq!(world.calls.len(), 0);
    // A server that does not hold requests is not asked all the time.
    let poll = vm.next_poll(&mut world);
    assert_eq!(world.now - known, 1_000);
    assert_eq!(vm.answer(&mut world, &poll, status(304)), "nothing");
    vm.next_poll(&mut world);
    assert_eq!(world.now - known, 2_000);
}

#[test]
fn a_held_poll_is_followed_by_the_next_at_once() {
    let mut world = World::new();
    let (mut vm, poll) = Vm::polling(&mut world);
    world.pass(30_000);
    // Still the holder of the lease: it ticks while it waits.
    assert_eq!(vm.tick(&mut world), "nothing");
    assert_eq!(vm.answer(&mut world, &poll, status(304)), "nothing");
    assert_eq!(vm.tick(&mut world), "nothing");
    assert_eq!(world.calls.len(), 1);
}

#[test]
fn a_seed_is_in_force_at_once_until_there_is_a_later_one() {
    let mut world = World::new();
    let seed = STANDARD.encode(bundle(5).encode());
    let config = config(|json| json["seed"] = seed.into());
    let mut vm = Vm::new(&config, 1);
    assert_eq!(tell(vm.delivery.seed(&mut world).unwrap()), "5 from seed");
    vm.tick(&mut world);
    let poll = vm.next_poll(&mut world);
    assert_eq!(vm.receive(&mut world, &poll, &bundle(4)), "old_version");
    let poll = vm.next_poll(&mut world);
    assert_eq!(poll.header("if-none-match"), Some("\"4\""));
    assert_eq!(vm.receive(&mut world, &poll, &bundle(6)), "6 from publisher");
}

#[test]
fn a_seed_alone_is_never_polled_for() {
    let mut world = World::new();
    let seed = STANDARD.encode(bundle(5).encode());
    let config = config(|json| {
        json["seed"] = seed.into();
        json.as_object_mut().unwrap().remove("publisher");
    });
    let mut vm = Vm::new(&config, 1);
    assert_eq!(tell(vm.delivery.seed(&mut world).unwrap()), "5 from seed");
    for _ in 0..50 {
        world.pass(100);
        assert_eq!(vm.tick(&mut world), "nothing");
    }
    assert_eq!(world.calls.len(), 0);
}
