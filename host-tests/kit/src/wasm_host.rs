//! A Proxy-Wasm host (ABI 0.2.1) on wasmtime, which runs the filter's real module.
//!
//! It answers as Envoy does, down to the statuses of calls that fail, and offers no import that Envoy
//! does not: what works here should work there, and the other way round. What it adds is sight and
//! control: every call that the module makes is counted, the time can be set, HTTP calls wait until
//! the test answers them, and several VMs can share what the workers of one proxy share.
//!
//! ```no_run
//! use cedarkey_host_kit::{tools, wasm_host::{Headers, Outcome, Properties, WasmHost}};
//!
//! let mut host = WasmHost::new(tools::filter()?)?;
//! assert!(host.configure(r#"{"bundle": "quickstart", "trusted_keys": []}"#)?);
//! let outcome = host.request(
//!     &Headers::request("GET", "localhost", "/v1/orders/7").with("x-api-key", "nonsense"),
//!     &Properties::new().text(&["source", "address"], "10.0.0.1:40000"),
//! )?;
//! assert!(matches!(outcome, Outcome::Local { status: 503, .. }));
//! println!("{:?}", host.hostcalls());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod abi;
mod calls;
mod error;
mod headers;
mod hostcalls;
mod imports;
mod memory;
mod metrics;
mod module;
mod outcome;
mod properties;
mod shared;
mod state;
mod vm;

pub use abi::{LogLevel, Status};
pub use calls::HttpCall;
pub use error::HostError;
pub use headers::Headers;
pub use hostcalls::Hostcalls;
pub use metrics::Metric;
pub use module::FilterModule;
pub use outcome::Outcome;
pub use properties::Properties;
pub use shared::Shared;
pub use state::LogLine;
pub use vm::WasmHost;

#[cfg(test)]
mod tests;
