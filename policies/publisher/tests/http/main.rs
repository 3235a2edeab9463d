//! The publisher over real HTTP, as those who push and those who read see it.

#![cfg(test)]
#![expect(
    clippy::arithmetic_side_effects,
    reason = "a test that overflows fails, and that is all that is asked of it"
)]

mod common;
mod database;
mod poll;
mod push;
mod read;
mod segments;
mod stop;
mod versions;
