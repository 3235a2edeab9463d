//! The subjects as a wasm module exports them.
//!
//! | export | what it does |
//! |---|---|
//! | `prepare(workload) -> ok` | makes both ready for one of [`WORKLOADS`], by its index; 1 if that went well |
//! | `cedar(times) -> allowed` | lets Cedar decide all requests, so many times |
//! | `engine(times) -> allowed` | lets the engine |

#![expect(
    unsafe_code,
    reason = "an export needs a name of its own, which `no_mangle` gives; nothing else is unsafe"
)]

use crate::subject::{self, Cedar, Engine};
use crate::workload::{WORKLOADS, Workload};
use std::cell::RefCell;

thread_local! {
    static SUBJECTS: RefCell<Option<(Cedar, Engine)>> = const { RefCell::new(None) };
}

#[unsafe(no_mangle)]
extern "C" fn prepare(workload: u32) -> u32 {
    let workload = WORKLOADS.get(workload as usize).and_then(|name| Workload::named(name).ok());
    let subjects = workload.and_then(|workload| subject::both(&workload).ok());
    SUBJECTS.with_borrow_mut(|kept| {
        *kept = subjects;
        u32::from(kept.is_some())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cedar(times: u32) -> u32 {
    repeat(times, |(cedar, _)| cedar.decide())
}

#[unsafe(no_mangle)]
extern "C" fn engine(times: u32) -> u32 {
    repeat(times, |(_, engine)| engine.decide())
}

fn repeat(times: u32, decide: impl Fn(&mut (Cedar, Engine)) -> usize) -> u32 {
    let allowed = SUBJECTS.with_borrow_mut(|subjects| {
        let subjects = subjects.as_mut()?;
        (0..times).map(|_| decide(subjects)).max()
    });
    allowed.and_then(|allowed| u32::try_from(allowed).ok()).unwrap_or_default()
}
