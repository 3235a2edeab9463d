//! The compiled engine beside `cedar-policy`, on the same policies, entities and requests.
//!
//! | module | what it holds |
//! |---|---|
//! | [`workload`] | what is decided: synthetic sets of any size, and three applications |
//! | [`subject`] | who decides: Cedar or the engine, ready to be asked again and again |
//!
//! Built for wasm32 it exports both: see `exports.rs`.

#[cfg(target_family = "wasm")]
mod exports;
pub mod subject;
pub mod workload;
