//! The engine behind bytes: a bundle goes in, then questions, and answers come out.
//!
//! As a library it is a [`Session`] on the machine at hand. Built for wasm32 it exports the same
//! session, so that a test or a benchmark asks both the same thing in the same way:
//!
//! | export | what it does |
//! |---|---|
//! | `room(length) -> address` | makes room for what the next call reads |
//! | `load() -> bytes` | opens a bundle: [`Load`](wire::Load) to `Result<(), String>` |
//! | `decide() -> bytes` | answers: [`Question`](wire::Question) to `Result<Answer, String>` |
//! | `repeat(times) -> allowed` | decides the last question again, so many times |
//!
//! What is written and read is postcard. `bytes` is an address in the upper 32 bits and a length in
//! the lower, good until the next call.

#[cfg(target_family = "wasm")]
mod exports;
mod session;
pub mod wire;

pub use session::{Session, SessionError};
