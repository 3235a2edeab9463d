//! One VM asks, the others wait.

use super::world::*;
use crate::config::Config;
use std::rc::Rc;

/// VMs that serve requests or not, which have all ticked once.
fn vms(world: &mut World, serve: &[bool]) -> Vec<Vm> {
    let config = config(|_| ());
    let mut vms: Vec<_> = (1..)
        .zip(serve)
        .map(|(at, serves)| Vm { serves: *serves, ..Vm::new(&config, at) })
        .collect();
    tick(world, &mut vms);
    vms
}

fn tick(world: &mut World, vms: &mut [Vm]) {
    for vm in vms {
        assert_eq!(vm.tick(world), "nothing");
    }
}

/// The identity of the VM that holds the lease.
fn holder(world: &World) -> u8 {
    let lease = world.data.iter().find(|(key, _)| key.contains("/lease/"));
    lease.map(|(_, (stamp, _))| stamp[0]).unwrap()
}

/// Ticks for so long, in milliseconds.
fn ticks(world: &mut World, vms: &mut [Vm], time: i64) {
    for _ in 0..time / 100 {
        world.pass(100);
        tick(world, vms);
    }
}

#[test]
fn one_vm_asks_however_many_there_are() {
    let mut world = World::new();
    let mut vms = vms(&mut world, &[false; 5]);
    ticks(&mut world, &mut vms, 60_000);
    assert_eq!(world.calls.len(), 1);
}

#[test]
fn two_that_find_no_lease_at_once_do_not_both_take_it() {
    let mut world = World::new();
    let config = config(|_| ());
    let mut one = Vm::new(&config, 1);
    let mut other = Vm::new(&config, 2);
    one.tick(&mut world);
    // The other had looked before that, and writes after it.
    let written: Vec<_> = world.data.keys().cloned().collect();
    world.data.clear();
    other.tick(&mut world);
    assert_eq!(world.data.keys().cloned().collect::<Vec<_>>(), written);
    assert_eq!(world.calls.len(), 0);
    one.tick(&mut world);
    other.tick(&mut world);
    assert_eq!(world.calls.len(), 1);
}

#[test]
fn a_vm_takes_over_from_one_that_is_gone() {
    let mut world = World::new();
    let mut vms = vms(&mut world, &[false; 3]);
    ticks(&mut world, &mut vms, 1_000);
    let holder = usize::from(holder(&world));
    // Identities are counted from 1.
    vms.swap_remove(holder.saturating_sub(1));
    world.calls.clear();
    ticks(&mut world, &mut vms, 1_900);
    assert_eq!(world.calls.len(), 0, "the lease still holds");
    ticks(&mut world, &mut vms, 2_000);
    assert_eq!(world.calls.len(), 1);
}

#[test]
fn a_vm_that_serves_requests_leaves_it_to_one_that_does_not() {
    let mut world = World::new();
    let mut serving = vms(&mut world, &[true, true]);
    ticks(&mut world, &mut serving, 1_000);
    assert_eq!(world.calls.len(), 1, "there is no other");
    world.calls.clear();
    let mut idle = Vm::new(&config(|_| ()), 9);
    assert_eq!(idle.tick(&mut world), "nothing");
    let poll = world.call();
    assert_eq!(idle.receive(&mut world, &poll, &bundle(1)), "1 from publisher");
    // And does not lose it again.
    for vm in &mut serving {
        assert_eq!(vm.settle(&mut world), "1 from shelf");
    }
    let mut polls = 0;
    for _ in 0..100 {
        ticks(&mut world, &mut serving, 100);
        idle.tick(&mut world);
        for poll in world.calls.drain(..).collect::<Vec<_>>() {
            polls += 1;
            idle.answer(&mut world, &poll, status(304));
        }
    }
    assert!((9..=11).contains(&polls), "{polls}");
}

#[test]
fn a_clock_that_is_set_back_blocks_nobody() {
    let mut world = World::new();
    let mut vms = vms(&mut world, &[false; 2]);
    ticks(&mut world, &mut vms, 1_000);
    let poll = world.call();
    world.pass(-3_600_000);
    for vm in &mut vms {
        vm.answer(&mut world, &poll, status(304));
    }
    ticks(&mut world, &mut vms, 2_000);
    assert!(!world.calls.is_empty());
}

#[test]
fn a_configuration_with_another_publisher_does_not_wait_for_the_old_one() {
    let mut world = World::new();
    let mut old = vms(&mut world, &[false]);
    ticks(&mut world, &mut old, 1_000);
    assert_eq!(world.call().cluster, "publisher");
    let config: Rc<Config> = config(|json| json["publisher"]["cluster"] = "other".into());
    let mut new = [Vm::new(&config, 9)];
    tick(&mut world, &mut new);
    tick(&mut world, &mut new);
    assert_eq!(world.call().cluster, "other");
}
