//! Bundles that are not good, and publishers that are not.

use super::super::{Answer, LoadError};
use super::world::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cedarkey_bundle::{Archive, Draft, SegmentKind};
use serde_json::json;

/// A VM with version 7 in force gets this answer to its next poll: it must be refused for this
/// cause, and version 8 is taken all the same once it comes.
#[track_caller]
fn refused(answer: Answer, cause: &str) {
    let mut world = World::new();
    let (mut vm, poll) = Vm::polling(&mut world);
    vm.receive(&mut world, &poll, &bundle(7));
    let poll = vm.next_poll(&mut world);
    assert_eq!(vm.answer(&mut world, &poll, answer), cause);
    assert_eq!(world.calls.len(), 0);
    let poll = vm.next_poll(&mut world);
    assert_eq!(vm.receive(&mut world, &poll, &bundle(8)), "8 from publisher");
}

fn signed(draft: Draft) -> Answer {
    envelope(&draft.sign(&[&signer(1)]).unwrap())
}

#[test]
fn an_envelope_that_is_none_is_damaged() {
    let body = |body: &[u8]| Answer { body: body.to_vec(), ..status(200) };
    let good = bundle(9).envelope.encode();
    refused(body(b""), "damaged");
    refused(body(b"<html>welcome</html>"), "damaged");
    refused(body(&good[..good.len() - 1]), "damaged");
    refused(body(&[&good[..], b"x"].concat()), "damaged");
    refused(body(&bundle(9).encode()), "damaged");
}

#[test]
fn an_envelope_that_is_not_to_be_accepted_is_refused_by_cause() {
    refused(envelope(&draft(9).sign(&[&signer(2)]).unwrap()), "unknown_signer");
    let mut forged = envelope(&bundle(9));
    *forged.body.last_mut().unwrap() ^= 1;
    refused(forged, "bad_signature");
    refused(signed(draft(6)), "old_version");
    refused(signed(Draft { name: "other".into(), ..draft(9) }), "wrong_name");
    refused(signed(Draft { created: START - 9, expires: START, ..draft(9) }), "expired");
}

#[test]
fn what_the_publisher_cannot_give_is_told() {
    refused(status(404), "status");
    refused(status(500), "status");
    refused(status(503), "unreachable");
    refused(Answer::default(), "unreachable");
}

#[test]
fn an_envelope_that_was_refused_is_not_asked_for_again() {
    let mut world = World::new();
    let (mut vm, poll) = Vm::polling(&mut world);
    let forged = draft(9).sign(&[&signer(2)]).unwrap();
    assert_eq!(vm.answer(&mut world, &poll, envelope(&forged)), "unknown_signer");
    let poll = vm.next_poll(&mut world);
    assert_eq!(poll.header("if-none-match"), Some("\"9\""));
    assert_eq!(poll.header("x-cedarkey-error"), Some("unknown_signer"));
}

/// A fetch of version 7 of which one segment is answered like this.
#[track_caller]
fn broken_fetch(answer: impl FnOnce(Answer) -> Answer, cause: &str) {
    let mut world = World::new();
    let (mut vm, poll) = Vm::polling(&mut world);
    let bundle = bundle(7);
    vm.answer(&mut world, &poll, envelope(&bundle));
    vm.ask(&mut world);
    let calls: Vec<_> = world.calls.drain(..).collect();
    let (first, rest) = calls.split_first().unwrap();
    let good = segment(&bundle, first);
    assert_eq!(vm.answer(&mut world, first, answer(good)), cause);
    // The others come too late: this fetch was given up.
    for call in rest {
        assert_eq!(vm.answer(&mut world, call, segment(&bundle, call)), "nothing");
    }
    let poll = vm.next_poll(&mut world);
    assert_eq!(poll.header("if-none-match"), None, "it is tried again");
    assert_eq!(vm.receive(&mut world, &poll, &bundle), "7 from publisher");
}

#[test]
fn a_segment_that_is_not_the_one_named_is_damaged() {
    let change = |change: fn(&mut Vec<u8>)| {
        move |mut answer: Answer| {
            change(&mut answer.body);
            answer
        }
    };
    broken_fetch(change(|body| body.push(0)), "damaged");
    broken_fetch(change(|body| body.truncate(body.len() / 2)), "damaged");
    broken_fetch(change(|body| body[0] ^= 1), "damaged");
}

#[test]
fn a_segment_that_does_not_come_ends_the_fetch() {
    broken_fetch(|_| status(404), "status");
    broken_fetch(|_| status(504), "unreachable");
    broken_fetch(|_| Answer::default(), "unreachable");
}

/// Signed and whole, but its model is none.
fn senseless(version: u64) -> Archive {
    let mut draft = draft(version);
    draft.segments[0] = (SegmentKind::Model, b"model".to_vec());
    draft.sign(&[&signer(1)]).unwrap()
}

#[test]
fn a_bundle_that_cannot_be_opened_is_shown_to_nobody() {
    let mut world = World::new();
    let (mut vm, poll) = Vm::polling(&mut world);
    assert_eq!(vm.receive(&mut world, &poll, &senseless(7)), "unusable");
    assert!(!world.data.keys().any(|key| key.ends_with("/label")), "nobody is shown it");
    // Nor is it fetched over and over.
    let failed = world.now;
    let poll = vm.next_poll(&mut world);
    assert!(world.now > failed + 100);
    assert_eq!(poll.header("if-none-match"), Some("\"7\""));
    assert_eq!(vm.receive(&mut world, &poll, &bundle(8)), "8 from publisher");
}

/// How long a VM waits after each of nine failures.
fn waits(vm: &mut Vm, world: &mut World, mut poll: Call) -> Vec<i64> {
    let failures = (0..9).map(|_| {
        assert_eq!(vm.answer(world, &poll, status(500)), "status");
        let failed = world.now;
        poll = vm.next_poll(world);
        world.now.saturating_sub(failed)
    });
    failures.collect()
}

#[test]
fn a_publisher_that_fails_is_asked_less_and_less() {
    let mut world = World::new();
    let (mut vm, poll) = Vm::polling(&mut world);
    vm.receive(&mut world, &poll, &bundle(7));
    let poll = vm.next_poll(&mut world);
    let waits = waits(&mut vm, &mut world, poll);
    assert!(waits[0] <= 300, "{waits:?}");
    assert!((5_000..=10_000).contains(&waits[8]), "{waits:?}");
}

#[test]
fn a_vm_without_a_bundle_does_not_wait_long() {
    let mut world = World::new();
    let (mut vm, poll) = Vm::polling(&mut world);
    let waits = waits(&mut vm, &mut world, poll);
    assert!((500..=1_000).contains(&waits[8]), "{waits:?}");
}

#[test]
fn a_cluster_that_is_not_there_is_told() {
    let mut world = World::new();
    world.no_cluster = true;
    let mut vm = Vm::new(&config(|_| ()), 1);
    assert_eq!(vm.tick(&mut world), "nothing");
    assert_eq!(vm.tick(&mut world), "unreachable");
    assert_eq!(vm.tick(&mut world), "nothing", "it waits before it tries again");
    world.no_cluster = false;
    vm.next_poll(&mut world);
}

#[test]
fn a_seed_must_be_good() {
    let mut world = World::new();
    let mut seed = |bytes: Vec<u8>| {
        let config = config(|json| json["seed"] = STANDARD.encode(bytes).into());
        Vm::new(&config, 1).delivery.seed(&mut world).unwrap_err()
    };
    assert_eq!(seed(b"seed".to_vec()).label(), "damaged");
    let good = bundle(7).encode();
    assert_eq!(seed(good[..good.len() - 1].to_vec()).label(), "damaged");
    assert_eq!(seed(senseless(7).encode()).label(), "unusable");
    assert_eq!(seed(draft(7).sign(&[&signer(2)]).unwrap().encode()).label(), "unknown_signer");
    let old = Draft { created: START - 9, expires: START, ..draft(7) };
    let old = seed(old.sign(&[&signer(1)]).unwrap().encode());
    assert!(old.is_expiry() && !LoadError::Status(404).is_expiry());
}

#[test]
fn a_version_below_the_floor_is_refused() {
    let mut world = World::new();
    let mut vm = Vm::new(&config(|json| json["min_version"] = 8.into()), 1);
    vm.tick(&mut world);
    vm.tick(&mut world);
    let poll = world.call();
    assert_eq!(vm.answer(&mut world, &poll, envelope(&bundle(7))), "below_floor");
    let poll = vm.next_poll(&mut world);
    assert_eq!(vm.receive(&mut world, &poll, &bundle(8)), "8 from publisher");
}

#[test]
fn a_bundle_whose_signer_is_not_trusted_at_the_time_is_refused() {
    // The tests begin on 2027-01-15.
    let key = signer(1).public().to_string();
    for (time, cause) in [
        (json!({ "key": key, "not_before": "2027-02-01" }), "untimely_signer"),
        (json!({ "key": key, "not_after": "2027-01-01" }), "untimely_signer"),
        (json!({ "key": key, "not_before": "2027-01-01", "not_after": "2027-02-01" }), "nothing"),
    ] {
        let mut world = World::new();
        let mut vm = Vm::new(&config(|json| json["trusted_keys"] = json!([time])), 1);
        let poll = vm.next_poll(&mut world);
        assert_eq!(vm.answer(&mut world, &poll, envelope(&bundle(7))), cause);
    }
}

#[test]
fn a_clock_that_is_set_back_does_not_bring_back_what_has_expired() {
    let mut world = World::new();
    let (mut vm, poll) = Vm::polling(&mut world);
    world.now = EXPIRES * 1000;
    assert_eq!(vm.answer(&mut world, &poll, envelope(&bundle(7))), "expired");
    world.now = START * 1000;
    let poll = vm.next_poll(&mut world);
    assert_eq!(vm.answer(&mut world, &poll, envelope(&bundle(8))), "expired");
}
