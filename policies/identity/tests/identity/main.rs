//! Proofs that hold, and forgeries that must not.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test whose own keys cannot be made fails, and that is all that is asked of it"
)]

mod certificates;
mod jwts;
mod key_sets;
mod login;
