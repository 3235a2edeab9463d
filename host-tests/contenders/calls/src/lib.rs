//! A filter that makes the calls to the proxy that cedarkey makes for a request that is allowed, and
//! decides nothing: what any filter costs that takes the key out of a request and says whose it is.

#![expect(unsafe_code, reason = "memory that the proxy has asked the SDK for changes hands here")]

use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, MapType, Status};
use std::hint::black_box;
use std::ptr;

struct Root;

struct Calls;

/// What is said of every request, as long as what cedarkey says.
const SAID: [(&str, &str); 3] = [
    ("x-cedarkey-key-id", "01J00000000000000000000000"),
    ("x-cedarkey-owner", "team:team-0"),
    ("x-cedarkey-decision-id", "00000000000000000000000000000000"),
];

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_get_header_map_pairs(map: MapType, data: *mut *mut u8, size: *mut usize) -> Status;
}

// === impl Root ===

impl Context for Root {}

impl RootContext for Root {
    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Calls))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

// === impl Calls ===

impl Context for Calls {}

impl HttpContext for Calls {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let map = MapType::HttpRequestHeaders;
        drop(black_box(headers(map)));
        let _ = black_box(hostcalls::get_current_time());
        let _ = hostcalls::remove_map_value(map, "x-api-key");
        for (name, value) in SAID {
            let _ = hostcalls::set_map_value(map, name, Some(value));
        }
        Action::Continue
    }
}

/// All headers, as the proxy hands them over: the SDK's own call would copy each.
fn headers(map: MapType) -> Vec<u8> {
    let (mut data, mut size) = (ptr::null_mut(), 0);
    // SAFETY: both places can be written to, and live until the call is over.
    let status = unsafe { proxy_get_header_map_pairs(map, &raw mut data, &raw mut size) };
    match status {
        // SAFETY: the proxy takes the memory for what it hands over from `proxy_on_memory_allocate`,
        // where the SDK makes a boxed slice of just that size and forgets it.
        Status::Ok if !data.is_null() => unsafe { Vec::from_raw_parts(data, size, size) },
        _ => Vec::new(),
    }
}

/// Registers the filter with the proxy.
mod entry {
    proxy_wasm::main! {{
        proxy_wasm::set_root_context(|_| Box::new(crate::Root));
    }}
}
