//! Time per round of a workload's requests, in the engine and in Cedar, natively and in wasm.
//!
//! The module for wasm is named by `CEDARKEY_BENCH_MODULE`; without it, wasm is left out.
//! `cargo xtask bench engine` builds it.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up is not to be run")]

use cedarkey_bench::subject;
use cedarkey_bench::workload::{WORKLOADS, Workload};
use divan::{Bencher, black_box};
use wasmtime::{Engine, Instance, Module, Store, TypedFunc};

/// The subjects in wasm, ready for a workload.
struct Guest {
    store: Store<()>,
    decide: TypedFunc<u32, u32>,
}

fn main() {
    divan::main();
}

#[divan::bench(args = WORKLOADS)]
fn cedar(bencher: Bencher<'_, '_>, workload: &str) {
    let (mut cedar, _) = subject::both(&Workload::named(workload).unwrap()).unwrap();
    bencher.bench_local(|| black_box(cedar.decide()));
}

#[divan::bench(args = in_wasm())]
fn cedar_wasm(bencher: Bencher<'_, '_>, workload: &str) {
    let mut guest = Guest::start("cedar", workload);
    bencher.bench_local(|| black_box(guest.decide()));
}

#[divan::bench(args = WORKLOADS)]
fn engine(bencher: Bencher<'_, '_>, workload: &str) {
    let (_, mut engine) = subject::both(&Workload::named(workload).unwrap()).unwrap();
    bencher.bench_local(|| black_box(engine.decide()));
}

#[divan::bench(args = in_wasm())]
fn engine_wasm(bencher: Bencher<'_, '_>, workload: &str) {
    let mut guest = Guest::start("engine", workload);
    bencher.bench_local(|| black_box(guest.decide()));
}

fn module() -> Option<std::ffi::OsString> {
    std::env::var_os("CEDARKEY_BENCH_MODULE")
}

/// The workloads, if there is a module.
fn in_wasm() -> Vec<&'static str> {
    if module().is_some() { WORKLOADS.to_vec() } else { Vec::new() }
}

// === impl Guest ===

impl Guest {
    fn start(subject: &str, workload: &str) -> Self {
        let engine = Engine::default();
        let module = Module::from_file(&engine, module().unwrap()).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let prepare: TypedFunc<u32, u32> = instance.get_typed_func(&mut store, "prepare").unwrap();
        let number = WORKLOADS.iter().position(|name| *name == workload).unwrap();
        let ready = prepare.call(&mut store, u32::try_from(number).unwrap()).unwrap();
        assert_eq!(ready, 1, "the workload `{workload}` cannot be prepared in wasm");
        let decide = instance.get_typed_func(&mut store, subject).unwrap();
        Self { store, decide }
    }

    fn decide(&mut self) -> u32 {
        self.decide.call(&mut self.store, 1).unwrap()
    }
}
