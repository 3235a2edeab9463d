//! The policy engine of cedarkey: facts in, decision out.
//!
//! This crate names no host and does no I/O. It holds what every host of cedarkey shares, so that
//! a proxy, an edge runtime and the command line cannot decide differently:
//!
//! - [`model`]: compiled Cedar policies, entities and key profiles, verified once when loaded;
//! - [`decide`]: the evaluation of those policies for one request, with Cedar's semantics;
//! - [`token`] and [`key`]: the form of an API key's token, and the port to the key inventory;
//! - [`http`] and [`route`]: from a request line to an action and a resource;
//! - [`gate`]: the whole way from a request to a [`Permit`](gate::Permit) or a
//!   [`Denial`](gate::Denial).
#![no_std]

extern crate alloc;

pub mod decide;
pub mod ext;
pub mod gate;
pub mod http;
pub mod key;
pub mod model;
pub mod pattern;
pub mod request;
pub mod route;
pub mod token;
pub mod value;

/// The version of the model format that this engine reads. A bundle says which one it needs.
pub const ENGINE_VERSION: u32 = 1;
