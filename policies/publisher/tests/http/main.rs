//! The publisher over real HTTP, as those who push and those who read see it, with its bundles in
//! SQLite. `tests/postgres` runs the same tests on PostgreSQL.

#![cfg(test)]
#![expect(
    clippy::arithmetic_side_effects,
    reason = "a test that overflows fails, and that is all that is asked of it"
)]

#[path = "sqlite.rs"]
mod backend;
mod common;
mod database;
mod findings;
mod fleet;
mod full;
mod hostile;
mod mirror;
mod operations;
mod poll;
mod push;
mod read;
mod segments;
mod stop;
mod usage;
mod versions;
