//! The tests of `tests/http` with the bundles in PostgreSQL, and several publishers over one.

#![cfg(test)]
#![expect(
    clippy::arithmetic_side_effects,
    reason = "a test that overflows fails, and that is all that is asked of it"
)]

mod backend;
#[path = "../http/common.rs"]
mod common;
mod database;
#[path = "../http/findings.rs"]
mod findings;
#[path = "../http/fleet.rs"]
mod fleet;
#[path = "../http/hostile.rs"]
mod hostile;
#[path = "../http/mirror.rs"]
mod mirror;
#[path = "../http/operations.rs"]
mod operations;
#[path = "../http/poll.rs"]
mod poll;
#[path = "../http/push.rs"]
mod push;
#[path = "../http/read.rs"]
mod read;
#[path = "../http/segments.rs"]
mod segments;
mod several;
#[path = "../http/stop.rs"]
mod stop;
#[path = "../http/usage.rs"]
mod usage;
#[path = "../http/versions.rs"]
mod versions;
