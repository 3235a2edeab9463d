//! The time, as the number that it is: the SDK makes a date of it, which costs more than to ask.
#![expect(unsafe_code, reason = "the proxy writes to a place in memory")]

use proxy_wasm::types::Status;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_get_current_time_nanoseconds(time: *mut u64) -> Status;
}

/// Nanoseconds since 1970-01-01T00:00:00Z; `None` where the proxy has no clock.
pub fn nanoseconds() -> Option<u64> {
    let mut time = 0;
    // SAFETY: the place can be written to, and lives until the call is over.
    let status = unsafe { proxy_get_current_time_nanoseconds(&raw mut time) };
    (status == Status::Ok).then_some(time)
}
