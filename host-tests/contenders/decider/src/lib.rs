//! The same rules as cedarkey's, decided with the `cedar-policy` crate as it is.
//!
//! It is as fast as the crate lets it be: policies and entities are parsed once, all names too, and
//! the context holds only what the policies read.

mod decide;
mod route;
mod world;

pub use decide::{Answer, Call, Decider};
pub use route::Router;
pub use world::{Hash, Key, Kind, Route, World};
