//! The audit: every change, each entry with the hash of the one before.

mod clock;
mod entry;
mod list;
mod verify;

pub use entry::{Entry, Head};
pub use verify::{Finding, Verified};
