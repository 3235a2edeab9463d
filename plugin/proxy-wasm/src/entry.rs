//! Where the proxy goes in.
//!
//! The SDK has an entrance for each event. For each stream it makes an object, keeps it in a map, and
//! finds it there at each event; here nothing need be kept for a stream. So there are entrances of
//! our own for what comes with each stream, which leave what concerns roots to those of the SDK.
//! They have names of their own; the finished module exports them by those of the ABI (0.2.1), and
//! not the SDK's.

#![expect(unsafe_code, reason = "entrances are functions without a mangled name, as are the SDK's")]

use crate::filter::Filter;
use crate::host;
use crate::root::Root;
use crate::streams::Streams;
use proxy_wasm::types::Action;
use std::cell::RefCell;

thread_local! {
    static STREAMS: RefCell<Streams> = RefCell::default();
}

proxy_wasm::main! {{
    proxy_wasm::set_log_level(proxy_wasm::types::LogLevel::Info);
    proxy_wasm::set_root_context(|id| {
        let root = Root::default();
        STREAMS.with_borrow_mut(|streams| streams.add_root(id, root.shared()));
        Box::new(root)
    });
}}

unsafe extern "C" {
    safe fn proxy_on_context_create(context: u32, root: u32);
    safe fn proxy_on_delete(context: u32);
}

/// `proxy_on_context_create`
#[unsafe(no_mangle)]
extern "C" fn cedarkey_on_context_create(context: u32, root: u32) {
    match root {
        0 => proxy_on_context_create(context, root),
        _ => STREAMS.with_borrow_mut(|streams| streams.begin(context, root)),
    }
}

/// `proxy_on_request_headers`
#[unsafe(no_mangle)]
extern "C" fn cedarkey_on_request_headers(context: u32, _count: usize, _is_end: bool) -> Action {
    with_filter(context, Filter::on_headers)
}

/// `proxy_on_request_trailers`
#[unsafe(no_mangle)]
extern "C" fn cedarkey_on_request_trailers(context: u32, _count: usize) -> Action {
    with_filter(context, Filter::on_trailers)
}

/// `proxy_on_delete`
#[unsafe(no_mangle)]
extern "C" fn cedarkey_on_delete(context: u32) {
    if STREAMS.with_borrow_mut(|streams| streams.end(context)) {
        proxy_on_delete(context);
        STREAMS.with_borrow_mut(|streams| streams.remove_root(context));
    }
}

/// Does something with the filter of a stream. Nothing is borrowed while it does, for the proxy may
/// call back.
fn with_filter(stream: u32, act: fn(&Filter) -> Action) -> Action {
    match STREAMS.with_borrow(|streams| streams.shared(stream)) {
        Some(shared) => act(&Filter::new(shared)),
        None => {
            host::respond(503, Vec::new(), b"");
            Action::Pause
        }
    }
}
