//! Faults on demand, for tests of what a proxy does with a VM that dies, and a count of what requests
//! allocate. They are only in a module that is built with the feature `fault`, which the one that
//! ships is not.

use crate::headers::Headers;
use crate::host;
use proxy_wasm::types::{Action, LogLevel};

/// The header that asks for a fault: `request` for one in the VM that has the request, `idle` for
/// one in a VM that serves no requests.
const HEADER: &str = "x-cedarkey-fault";

/// Where VMs that serve no requests learn that one of them is to die.
const WISH: &str = "cedarkey/fault";

/// Logs how often a request allocates, and how much.
pub fn count(handle: impl FnOnce() -> Action) -> Action {
    let mut action = Action::Pause;
    let heap = allocation_counter::measure(|| action = handle());
    let counted = format!("{} allocations, {} bytes", heap.count_total, heap.bytes_total);
    host::log(LogLevel::Debug, &counted);
    action
}

/// Dies, or lets another VM die, if the request asks for it.
pub fn on_request(headers: &Headers) {
    match headers.one(HEADER) {
        Some("request") => std::process::abort(),
        Some("idle") => drop(host::set_shared(WISH, Some(b"idle"), None)),
        _ => {}
    }
}

/// Dies, if that is wished and this VM has never served a request.
pub fn on_tick(serves: bool) {
    if !serves && host::shared(WISH).0.as_deref() == Some(b"idle") {
        host::set_shared(WISH, Some(b"done"), None);
        std::process::abort();
    }
}
