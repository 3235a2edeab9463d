//! The targets of the fuzzer, for a few seconds each, on bytes that are changed at random.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that unwraps nothing fails, and that is all that is asked of it"
)]

use cedarkey_fuzzing::{TARGETS, Target};
use fastrand::Rng;
use std::time::{Duration, Instant};

/// How long each target is run.
const TIME: Duration = Duration::from_secs(4);

/// The longest that bytes may be looked at, in an unoptimised build on a busy machine.
const LONGEST: Duration = Duration::from_secs(30);

/// Cedar's own code recurses, with the large frames of an unoptimised build.
const STACK: usize = 512 << 20;

#[test]
fn bundle() {
    fuzz("bundle");
}

#[test]
fn decision() {
    fuzz("decision");
}

#[test]
fn model() {
    fuzz("model");
}

fn fuzz(name: &str) {
    let target = *TARGETS.iter().find(|target| target.name == name).unwrap();
    let work = move || changed(&target);
    std::thread::Builder::new().stack_size(STACK).spawn(work).unwrap().join().unwrap();
}

fn changed(target: &Target) {
    let seeds = (target.seeds)();
    let good = seeds.iter().filter(|seed| (target.run)(seed)).count();
    assert!(good > 0, "no seed is any good");
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = Rng::with_seed(seed);
    let (mut runs, mut past) = (0_u32, 0_u32);
    let start = Instant::now();
    while start.elapsed() < TIME {
        let mut bytes = rng.choice(&seeds).unwrap().clone();
        change(&mut bytes, &mut rng);
        let begun = Instant::now();
        past = past.saturating_add(u32::from((target.run)(&bytes)));
        assert!(begun.elapsed() < LONGEST, "{:?} for {bytes:?}", begun.elapsed());
        runs = runs.saturating_add(1);
    }
    println!("{runs} runs, {past} of them past what refuses them");
    assert!(past > 0, "of {runs} none got past what refuses them");
}

/// Changes, puts in or takes away a few bytes.
fn change(bytes: &mut Vec<u8>, rng: &mut Rng) {
    for _ in 0..rng.usize(0..4) {
        // The first says what the others are.
        let at = rng.usize(1..=bytes.len());
        match rng.u8(0..8) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, rng.u8(..)),
            2 if at < bytes.len() => _ = bytes.remove(at),
            _ if at < bytes.len() => bytes[at] = rng.u8(..),
            _ => bytes.push(rng.u8(..)),
        }
    }
}
