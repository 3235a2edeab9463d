//! From Cedar policies, a schema, routes and a key inventory to a bundle.
//!
//! ```text
//! project -> check -> lower -> model -> verify ─┐
//!            routes, keys ──────────────────────┴-> draft -> (signed) bundle
//! ```
//!
//! `cedar-policy` parses and validates, and is the oracle that the compiled form is tested against.

pub mod cases;
mod check;
mod compile;
mod constant;
mod entities;
pub mod explain;
pub mod facts;
pub mod keys;
pub mod lint;
pub mod lower;
pub mod mint;
pub mod model;
mod names;
mod narrow;
pub mod oracle;
mod place;
mod pools;
mod problem;
pub mod project;
pub mod routes;
pub mod settings;
mod verify;
pub mod yaml;

pub use compile::{Compiled, compile};
pub use keys::KeySpec;
pub use lint::KeyRules;
pub use problem::{Problem, Problems, Source};
pub use project::Project;
pub use settings::Settings;
