//! All calls to the proxy.
//!
//! The SDK panics on statuses that it does not expect, and a panic takes the whole VM down; the
//! proxy then answers requests itself with an error, until it has made a new one. So only those
//! calls are made here whose unexpected statuses mean that the proxy is broken: reading the headers
//! of the request in hand, the time, shared data, and records, which only a configuration asks for;
//! and values are read as bytes, for the SDK panics on text that is not UTF-8.

mod clock;
mod map;

use crate::headers::Headers;
use proxy_wasm::hostcalls;
use proxy_wasm::types::{BufferType, GrpcStatusCode, LogLevel, MapType, MetricType};
use std::time::Duration;

/// The headers of the request in hand, the pseudo-headers among them. `None` where the proxy gives
/// no headers in the form of the ABI.
pub fn request_headers() -> Option<Headers> {
    map::read(MapType::HttpRequestHeaders)
}

/// Replaces a header of the request in hand, or adds it.
pub fn set_request_header(name: &str, value: &str) {
    ignore(hostcalls::set_map_value(MapType::HttpRequestHeaders, name, Some(value)));
}

/// Adds a value of a header of the request in hand.
pub fn add_request_header(name: &[u8], value: &[u8]) {
    // Names are ASCII: see `Headers`.
    let add = |name| hostcalls::add_map_value_bytes(MapType::HttpRequestHeaders, name, value);
    ignore(str::from_utf8(name).map(add));
}

/// Removes a header of the request in hand.
pub fn remove_request_header(name: &[u8]) {
    remove(MapType::HttpRequestHeaders, name);
}

/// The trailers of the request in hand. `None` as for [`request_headers`].
pub fn request_trailers() -> Option<Headers> {
    map::read(MapType::HttpRequestTrailers)
}

/// Removes a trailer of the request in hand.
pub fn remove_request_trailer(name: &[u8]) {
    remove(MapType::HttpRequestTrailers, name);
}

/// Answers the request in hand.
pub fn respond(status: u16, headers: Vec<(&str, &str)>, body: &[u8]) {
    ignore(hostcalls::send_http_response(u32::from(status), headers, Some(body)));
}

/// Answers the request in hand, which is a gRPC call.
pub fn respond_grpc(status: GrpcStatusCode, message: &str) {
    // A status of HTTP that caches may keep, whatever the method of what claims to be gRPC.
    let headers = vec![("cache-control", b"no-store".as_slice())];
    ignore(hostcalls::send_grpc_response(status, Some(message), headers));
}

/// A property of the request in hand.
pub fn property(path: Vec<&str>) -> Option<Vec<u8>> {
    hostcalls::get_property(path).ok().flatten()
}

/// Keeps the record of a decision with the request in hand, for the proxy's access log. In Envoy it
/// is the filter state `wasm.cedarkey`.
pub fn record(record: &str) {
    ignore(hostcalls::set_property(vec!["cedarkey"], Some(record.as_bytes())));
}

/// The present instant, in milliseconds since 1970-01-01T00:00:00Z.
pub fn now() -> i64 {
    let milliseconds = clock::nanoseconds().map(|time| time / 1_000_000);
    // Without a clock it is the end of time, at which every key and bundle has expired.
    milliseconds.and_then(|time| i64::try_from(time).ok()).unwrap_or(i64::MAX)
}

/// The plugin's configuration.
pub fn configuration(size: usize) -> Vec<u8> {
    let buffer = hostcalls::get_buffer(BufferType::PluginConfiguration, 0, size);
    buffer.ok().flatten().unwrap_or_default()
}

/// Asks for a tick each period.
pub fn tick_every(period: Duration) {
    ignore(hostcalls::set_tick_period(period));
}

/// A value that all VMs of the process share, and its version for a compare-and-swap.
pub fn shared(key: &str) -> (Option<Vec<u8>>, Option<u32>) {
    hostcalls::get_shared_data(key).unwrap_or_default()
}

/// Sets a shared value; with a version, only if it is still that. Tells whether it was set.
pub fn set_shared(key: &str, value: Option<&[u8]>, version: Option<u32>) -> bool {
    hostcalls::set_shared_data(key, value, version).is_ok()
}

/// Begins an HTTP call to a cluster; gives what identifies the answer.
pub fn call(
    cluster: &str,
    headers: Vec<(&str, &str)>,
    body: Option<&[u8]>,
    timeout: Duration,
) -> Option<u32> {
    hostcalls::dispatch_http_call(cluster, headers, body, Vec::new(), timeout).ok()
}

/// The headers of the answer in hand.
pub fn answer_headers() -> Headers {
    map::read(MapType::HttpCallResponseHeaders).unwrap_or_default()
}

/// The body of the answer in hand.
pub fn answer_body(size: usize) -> Vec<u8> {
    let buffer = hostcalls::get_buffer(BufferType::HttpCallResponseBody, 0, size);
    buffer.ok().flatten().unwrap_or_default()
}

/// Writes to the proxy's log.
pub fn log(level: LogLevel, message: &str) {
    ignore(hostcalls::log(level, message));
}

/// Defines a metric, or finds the one of this name.
pub fn define_metric(kind: MetricType, name: &str) -> Option<u32> {
    hostcalls::define_metric(kind, name).ok()
}

/// Adds to a counter.
pub fn count(metric: u32, more: i64) {
    ignore(hostcalls::increment_metric(metric, more));
}

/// Sets a gauge.
pub fn gauge(metric: u32, value: u64) {
    ignore(hostcalls::record_metric(metric, value));
}

fn remove(map: MapType, name: &[u8]) {
    // Names are ASCII: see `Headers`.
    ignore(str::from_utf8(name).map(|name| hostcalls::remove_map_value(map, name)));
}

/// A failure that nothing can be done about, and that lets nothing pass.
fn ignore<T, E>(_: Result<T, E>) {}
