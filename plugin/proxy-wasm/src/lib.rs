//! The filter: cedarkey inside a proxy that speaks Proxy-Wasm (ABI 0.2.1).
//!
//! ```text
//! root ── configure ──> config
//!      └─ tick ───────> delivery ──(publisher, shared data)──> the bundle in force
//! request ────────────> filter: headers -> credential -> gate -> forward | respond
//! ```
//!
//! This is the only crate that names `proxy_wasm`, and of it only [`host`] makes calls to the proxy.

mod alarm;
pub mod config;
mod credential;
mod decision;
pub mod delivery;
#[cfg(target_arch = "wasm32")]
mod entry;
mod facts;
#[cfg(feature = "fault")]
mod fault;
pub mod filter;
mod forward;
pub mod headers;
pub mod host;
pub mod inventory;
mod json;
pub mod metrics;
mod news;
mod proxy;
mod record;
mod respond;
pub mod root;
mod secret;
pub mod shared;
pub mod streams;
mod usage;
