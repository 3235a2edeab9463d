//! The filter: cedarkey inside a proxy that speaks Proxy-Wasm (ABI 0.2.1).
//!
//! ```text
//! root ── configure ──> config
//!   │  └─ tick ───────> delivery ──(publisher, shared data)──> the bundle in force
//!   └─ http context ──> filter: headers -> credential -> gate -> forward | respond
//! ```
//!
//! This is the only crate that names `proxy_wasm`, and of it only [`host`] makes calls to the proxy.

mod alarm;
pub mod config;
mod credential;
mod decision;
pub mod delivery;
mod facts;
#[cfg(feature = "fault")]
mod fault;
mod filter;
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
mod shared;
mod usage;

/// Registers the filter with the proxy, once in each VM.
#[cfg(target_arch = "wasm32")]
mod entry {
    proxy_wasm::main! {{
        proxy_wasm::set_log_level(proxy_wasm::types::LogLevel::Info);
        proxy_wasm::set_root_context(|_| Box::new(crate::root::Root::default()));
    }}
}
