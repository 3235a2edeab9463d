//! What is fuzzed, as functions of bytes: the targets of `cargo xtask fuzz`, and a short run of the
//! same in the tests.
//!
//! | target | bytes are | what must hold |
//! |---|---|---|
//! | [`decision`] | a case of the differential test | the engine answers as `cedar-policy` does |
//! | [`model`] | a model, or changes to one that is good | it is refused, or decides |
//! | [`bundle`] | an archive, or what lies behind good headers and signatures | it is refused, or decides |
//!
//! Whatever the bytes are: nothing panics, nothing runs without end, and no more memory is taken
//! than they justify.

pub mod bundle;
pub mod decision;
mod edit;
pub mod model;
pub mod seeds;

/// A target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// Runs it; tells whether the bytes got past what refuses them. Panics where something is
    /// wrong.
    pub run: fn(&[u8]) -> bool,
    /// Bytes to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All of them.
pub const TARGETS: [Target; 3] = [
    Target { name: "bundle", run: bundle::run, seeds: seeds::bundles },
    Target { name: "decision", run: decision::run, seeds: seeds::cases },
    Target { name: "model", run: model::run, seeds: seeds::models },
];

/// How much memory may be taken whatever the bytes are: serde makes room for up to a megabyte
/// before it has seen the elements, several times over where they nest.
const FREE: u64 = 8 * 1024 * 1024;

/// How much more for each byte. An element of one byte can take forty in memory, an entry of the
/// index as much again, and tables grow by doubling.
const PER_BYTE: u64 = 400;

/// Runs something on bytes of a length, and sees to it that it does not take too much memory.
fn bounded(length: usize, run: impl FnOnce() -> bool) -> bool {
    let mut past = false;
    let taken = allocation_counter::measure(|| past = run()).bytes_max;
    let most = PER_BYTE.saturating_mul(length as u64).saturating_add(FREE);
    assert!(taken <= most, "{length} bytes took {taken} bytes of memory, more than {most}");
    past
}
