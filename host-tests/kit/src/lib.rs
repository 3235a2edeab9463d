//! Starts real hosts for tests, the demo and benchmarks, and stops them again.
//!
//! | module | what it gives |
//! |---|---|
//! | [`deployment`] | all of it together: a project, its publisher, an upstream and an Envoy |
//! | [`tools`] | Envoy, Rust targets, the filter and the command, fetched or built when they are missing |
//! | [`envoy`] | a running Envoy: ready, statistics, log |
//! | [`postgres`] | a running PostgreSQL |
//! | [`upstream`] | an HTTP server that answers with what reached it |
//! | [`bulk`], [`source`] | bundles with a million keys; a publisher that says what it is told to |
//! | [`fleet`] | a thousand proxies that wait at one publisher |
//! | `identities` | certificates and JWTs (feature `identities`) |
//! | [`process`] | a child process with a log file, which never outlives its owner |
//! | [`ports`], [`wait`] | free ports; waiting for a condition with a deadline |
//! | [`usage`] | the processor time and memory of a process |
//! | `engine_host` | the engine alone as a module under wasmtime (feature `wasm-host`) |
//! | `wasm_host` | the filter's module under wasmtime (feature `wasm-host`) |
//!
//! Nothing here is asynchronous: every value can be made, used and dropped in a plain `#[test]` as
//! well as in an asynchronous one. Whatever a value started ends when the value is dropped, also
//! while a failed test unwinds.

pub mod bulk;
pub mod deployment;
#[cfg(feature = "wasm-host")]
pub mod engine_host;
pub mod envoy;
pub mod fleet;
#[cfg(feature = "identities")]
pub mod identities;
pub mod ports;
pub mod postgres;
pub mod process;
pub mod source;
pub mod tools;
pub mod upstream;
pub mod usage;
pub mod wait;
#[cfg(feature = "wasm-host")]
pub mod wasm_host;
