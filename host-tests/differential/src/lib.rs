//! Generated policies, decided by the engine and by `cedar-policy`, which is always right.
//!
//! ```text
//! seed -> bytes -> case -> world ─┬─> Cedar ──┐
//!                                 └─> compiler, bytes, engine ─> the same answers?
//! ```

pub mod case;
pub mod compare;
pub mod expression;
pub mod generate;
pub mod policy;
pub mod run;
pub mod schema;
pub mod tally;
pub mod uid;
pub mod value;
pub mod world;
