//! Tests of the format from outside: what is written is read, and nothing else is.

#![cfg(test)]
#![expect(
    clippy::arithmetic_side_effects,
    reason = "a test that overflows fails, and that is all that is asked of it"
)]

mod accept;
mod archive;
mod buckets;
mod bundle;
mod common;
mod golden;
mod keys;
mod revocations;
