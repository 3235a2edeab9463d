//! Generated policies, decided by the engine and by `cedar-policy`, which is always right.
//!
//! ```text
//! seed -> bytes -> case -> world ─┬─> Cedar ──┐
//!                                 └─> compiler, bytes, engine ─> the same answers?
//!                                                                 no: smaller case ─> files
//! ```

pub mod case;
pub mod compare;
pub mod expression;
pub mod files;
pub mod generate;
pub mod mutation;
pub mod policy;
pub mod run;
pub mod schema;
pub mod shrink;
pub mod tally;
pub mod uid;
pub mod value;
pub mod world;
