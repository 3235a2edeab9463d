//! Reading headers, of which the SDK would copy each name and value into memory of its own.
#![expect(unsafe_code, reason = "memory that the proxy has asked the SDK for changes hands here")]

use crate::headers::Headers;
use proxy_wasm::types::{MapType, Status};
use std::ptr;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_get_header_map_pairs(map: MapType, data: *mut *mut u8, size: *mut usize) -> Status;
}

/// Headers or trailers; `None` where the proxy gives something else.
pub fn read(map: MapType) -> Option<Headers> {
    let (mut data, mut size) = (ptr::null_mut(), 0);
    // SAFETY: both places can be written to, and live until the call is over.
    let status = unsafe { proxy_get_header_map_pairs(map, &raw mut data, &raw mut size) };
    match status {
        Status::Ok if data.is_null() => Some(Headers::default()),
        // SAFETY: the proxy takes the memory for what it hands over from `proxy_on_memory_allocate`,
        // where the SDK makes a boxed slice of just that size and forgets it.
        Status::Ok => Headers::read(unsafe { Vec::from_raw_parts(data, size, size) }),
        _ => None,
    }
}
