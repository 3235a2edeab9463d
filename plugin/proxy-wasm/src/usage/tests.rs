//! Usage in VMs of a process that is a map, a clock and a list of calls.

use super::counts::{Counts, Met};
use super::courier::{Courier, Outcome};
use crate::delivery::tests::world::{World, config};
use cedarkey_bundle::usage::{Network, Part, Report, What};
use cedarkey_engine::ext::ip::IpNet;
use cedarkey_engine::gate::Cause;
use cedarkey_engine::key::KeyId;
use cedarkey_engine::model::{Model, ModelImage};
use core::net::IpAddr;
use std::cell::RefCell;
use std::rc::Rc;

const ONE: KeyId = KeyId([1; 16]);
const ANY: Met = Met::Allow(None);

/// How often usage is reported, in milliseconds.
const EVERY: i64 = 60_000;

/// One VM, as far as usage goes.
struct Vm {
    counts: RefCell<Counts>,
    courier: Courier,
    model: Rc<Model>,
}

impl Vm {
    fn new(world: &mut World, identity: u64) -> Self {
        Self::every(EVERY, world, identity)
    }

    /// One that reports so often.
    fn every(every: i64, world: &mut World, identity: u64) -> Self {
        let config = config(|_| ());
        let courier = Courier::new(&config, every, identity);
        let model = Rc::new(Model::load(ModelImage::default()).unwrap());
        let mut vm = Self { counts: RefCell::default(), courier, model };
        // It makes the mailbox, and looks into it.
        assert_eq!((vm.tick(world), vm.tick(world)), (None, None));
        vm
    }

    fn count(&self, world: &World, met: Met, times: u32) {
        for _ in 0..times {
            self.counts.borrow_mut().add(&self.model, ONE, met, world.now);
        }
    }

    fn tick(&mut self, world: &mut World) -> Option<Outcome> {
        self.courier.tick(false, &self.counts, world)
    }

    fn answer(&mut self, world: &mut World, call: u32, status: Option<u16>) -> Outcome {
        assert!(self.courier.awaits(call));
        self.courier.answered(status, world).expect("something becomes of it")
    }
}

/// The next report that one of the VMs sends, with who does.
fn next(world: &mut World, vms: &mut [Vm]) -> (usize, u32, Vec<u8>) {
    for _ in 0..3_000 {
        world.pass(100);
        for (at, vm) in vms.iter_mut().enumerate() {
            vm.tick(world);
            if let Some(call) = world.calls.pop_front() {
                assert_eq!(call.path(), "/v1/bundles/quickstart/usage");
                return (at, call.id, call.body);
            }
        }
    }
    panic!("a report is sent within five minutes");
}

/// How often requests were allowed, in all parts.
fn allowed(report: &[u8]) -> u32 {
    let report = Report::decode(report).unwrap();
    let rows = report.parts.iter().flat_map(|part| &part.rows);
    rows.filter(|row| matches!(row.what, What::Allow(_))).map(|row| row.count).sum()
}

fn head(report: &[u8]) -> (u64, u64) {
    let head = Report::decode(report).unwrap().head;
    (head.reporter, head.sequence)
}

#[test]
fn what_all_vms_count_comes_in_reports_and_nothing_twice() {
    let mut world = World::new();
    let mut vms = [7, 8, 9].map(|identity| Vm::new(&mut world, identity));
    for (vm, times) in vms.iter().zip([1, 10, 100]) {
        vm.count(&world, ANY, times);
    }
    let mut total = 0;
    while total < 111 {
        let (at, call, report) = next(&mut world, &mut vms);
        total += allowed(&report);
        assert_eq!(vms[at].answer(&mut world, call, Some(204)), Outcome::Sent);
    }
    assert_eq!(total, 111);
    // Nothing is sent where nothing was counted.
    for _ in 0..3_000 {
        world.pass(100);
        vms.iter_mut().for_each(|vm| {
            vm.tick(&mut world);
        });
    }
    assert_eq!(world.calls.len(), 0);
}

#[test]
fn where_many_keys_are_in_use_none_waits_until_it_is_lost() {
    let mut world = World::new();
    let mut vms = [7, 8].map(|identity| Vm::new(&mut world, identity));
    let (mut used, mut told) = (0_u128, 0);
    // A minute with 100 other keys in each tick of each VM.
    for _ in 0..600 {
        world.pass(100);
        for vm in &mut vms {
            for _ in 0..100 {
                used += 1;
                let key = KeyId(used.to_be_bytes());
                vm.counts.borrow_mut().add(&vm.model, key, ANY, world.now);
            }
            vm.tick(&mut world);
            if let Some(call) = world.calls.pop_front() {
                told += u128::from(allowed(&call.body));
                let parts = Report::decode(&call.body).unwrap().parts;
                assert!(parts.iter().all(|part| part.dropped == 0));
                vm.answer(&mut world, call.id, Some(204));
            }
        }
    }
    while told < used {
        let (at, call, report) = next(&mut world, &mut vms);
        told += u128::from(allowed(&report));
        vms[at].answer(&mut world, call, Some(204));
    }
    assert_eq!((used, told), (120_000, 120_000));
}

#[test]
fn a_report_that_is_not_answered_is_sent_again_as_it_was() {
    let mut world = World::new();
    let mut vms = [Vm::new(&mut world, 7)];
    vms[0].count(&world, ANY, 5);
    let (_, call, report) = next(&mut world, &mut vms);
    vms[0].answer(&mut world, call, None);
    for status in [Some(503), Some(429), None] {
        vms[0].count(&world, ANY, 1);
        let (_, call, same) = next(&mut world, &mut vms);
        assert_eq!(same, report);
        assert_eq!(vms[0].answer(&mut world, call, status), Outcome::Delayed);
    }
    let (_, call, _) = next(&mut world, &mut vms);
    assert_eq!(vms[0].answer(&mut world, call, Some(204)), Outcome::Sent);
    let (_, _, after) = next(&mut world, &mut vms);
    assert_eq!((allowed(&after), head(&report), head(&after)), (3, (7, 1), (7, 2)));
}

#[test]
fn a_server_without_usage_is_left_alone_and_nothing_piles_up() {
    let mut world = World::new();
    let mut vms = [7, 8].map(|identity| Vm::new(&mut world, identity));
    vms[1].count(&world, ANY, 5);
    let (at, call, _) = next(&mut world, &mut vms);
    assert_eq!(vms[at].answer(&mut world, call, Some(405)), Outcome::Refused);
    let asked = world.now;
    for _ in 0..5_900 {
        vms[0].count(&world, ANY, 1);
        world.pass(100);
        vms.iter_mut().for_each(|vm| {
            vm.tick(&mut world);
        });
        assert_eq!(world.calls.len(), 0, "{} ms after", world.now - asked);
    }
    let kept = world.data.iter().find(|(key, _)| key.ends_with("/usage")).unwrap();
    assert!(kept.1.0.len() < 200, "{} bytes", kept.1.0.len());
    let (_, _, report) = next(&mut world, &mut vms);
    assert!(allowed(&report) < 2_000, "what was counted meanwhile is thrown away");
}

/// Two filters of one Envoy, for the same bundle.
#[test]
fn whoever_reports_more_often_than_others_loses_nothing_and_waits_for_nobody() {
    let mut world = World::new();
    // The slow one makes the mailbox, which is due in five minutes.
    let slow = Vm::every(300_000, &mut world, 7);
    let mut vms = [slow, Vm::every(5_000, &mut world, 8)];
    for times in 1..=10 {
        vms[1].count(&world, ANY, times);
        let begun = world.now;
        // Whichever sends it, the slow one would have the next one wait.
        let (at, call, report) = next(&mut world, &mut vms);
        assert_eq!(allowed(&report), times);
        assert!(world.now - begun < 15_000, "it took {} ms", world.now - begun);
        assert_eq!(vms[at].answer(&mut world, call, Some(204)), Outcome::Sent);
    }
}

#[test]
fn a_vm_that_ends_leaves_what_it_has_counted() {
    let mut world = World::new();
    let mut vms = [7, 8].map(|identity| Vm::new(&mut world, identity));
    let [first, second] = &mut vms;
    first.count(&world, ANY, 3);
    first.courier.end(&first.counts, &mut world);
    second.count(&world, ANY, 4);
    let mut rest = [Vm::new(&mut world, 9)];
    let (_, _, report) = next(&mut world, &mut rest);
    assert_eq!(allowed(&report), 3);
}

#[test]
fn a_clock_that_is_set_back_does_not_stop_reports() {
    let mut world = World::new();
    let mut vms = [Vm::new(&mut world, 7)];
    world.pass(-86_400_000);
    vms[0].count(&world, ANY, 5);
    let (_, _, report) = next(&mut world, &mut vms);
    assert_eq!(allowed(&report), 5);
}

#[test]
fn the_mailbox_has_an_end_and_what_has_no_room_goes_on_counting() {
    let mut world = World::new();
    let mut vm = Vm::new(&mut world, 7);
    let (mut handed, mut kept) = (0, 0);
    for round in 0_u32..40 {
        for key in 0_u32..4_000 {
            let id = [(round % 2).to_be_bytes(), key.to_be_bytes(), [7; 4], [8; 4]].concat();
            let id = KeyId(id.try_into().unwrap());
            vm.counts.borrow_mut().add(&vm.model, id, ANY, world.now);
        }
        vm.courier.end(&vm.counts, &mut world);
        match vm.counts.borrow().is_empty() {
            true => handed += 1,
            false => kept += 1,
        }
    }
    assert!(handed > 2 && kept > 2, "{handed} were handed over, {kept} were not");
    let sizes = world.data.values().map(|(value, _)| value.len());
    assert!(sizes.max().unwrap() <= cedarkey_bundle::usage::MAX_BYTES);
    let (_, call, report) = next(&mut world, std::slice::from_mut(&mut vm));
    assert!(Report::decode(&report).is_ok());
    vm.answer(&mut world, call, Some(204));
    let (_, _, report) = next(&mut world, std::slice::from_mut(&mut vm));
    assert!(allowed(&report) > 0);
}

#[test]
fn counts_have_an_end_and_say_what_they_left_out() {
    let model = Rc::new(Model::load(ModelImage::default()).unwrap());
    let mut counts = Counts::default();
    assert!(counts.is_empty());
    let ip = |at: u32| IpNet::from(IpAddr::from((at << 8).to_be_bytes()));
    for at in 0_u32..3_000 {
        counts.add_network(ONE, ip(at), 1_000);
    }
    for at in 0_u128..5_000 {
        counts.add(&model, KeyId(at.to_be_bytes()), Met::Deny(Cause::NoPermit), 1_999);
    }
    // Another model, such as a push brings: what was counted before stays.
    let other = Rc::new(Model::load(ModelImage::default()).unwrap());
    counts.add(&other, KeyId([0; 16]), ANY, 3_000);
    let part: Part = counts.part().clone();
    assert_eq!(part.rows.len(), 4_096);
    let networks = part.rows.iter().filter(|row| matches!(row.what, What::Network(_)));
    assert_eq!(networks.map(|row| row.count).sum::<u32>(), 3_000);
    let others = part.rows.iter().find(|row| row.what == What::Network(Network::Other)).unwrap();
    assert_eq!(others.count, 3_000 - 2_048);
    let denied = part.rows.iter().filter(|row| matches!(row.what, What::Deny(_))).count();
    assert_eq!(u64::try_from(denied).unwrap() + part.dropped, 5_001);
    assert_eq!(part.names, ["no_permit"]);
    assert!(part.rows.iter().all(|row| row.last == 1));
    counts.clear();
    assert!(counts.is_empty());
}
