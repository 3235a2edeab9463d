//! What a proxy offers to the module: all imports, by name.
//!
//! The list is Envoy's for ABI 0.2.1. gRPC is answered with `Unimplemented`, and so is what continues
//! or closes a stream, for here no stream waits.

mod headers;
mod host;
mod http;
mod metrics;
mod shared;
mod wasi;

use super::{
    abi::Status,
    memory::{Fault, Guest, Slot, Span},
    state::State,
};
use wasmtime::Linker;

/// Defines imports: the name and parameters of each, and the function that does it with the
/// arguments that it takes. Each call is counted.
macro_rules! define {
    ($linker:ident, $module:literal, $finish:ident: $(
        $name:ident($($parameter:ident: $kind:ty),*) => $does:path[$($argument:expr),*];
    )*) => {$(
        $linker.func_wrap(
            $module,
            stringify!($name),
            |mut guest: Guest<'_>, $($parameter: $kind),*| -> wasmtime::Result<u32> {
                guest.data_mut().hostcalls.count(stringify!($name));
                $finish($does(&mut guest, $($argument),*))
            },
        )?;
    )*};
}

/// Adds all imports.
pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    general(linker)?;
    requests(linker)?;
    sharing(linker)?;
    unimplemented(linker)?;
    wasi::link(linker)
}

fn general(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    define!(linker, "env", status:
        proxy_log(level: u32, at: u32, size: u32) => host::log[level, Span(at, size)];
        proxy_get_log_level(to: u32) => host::log_level[to];
        proxy_get_current_time_nanoseconds(to: u32) => host::time[to];
        proxy_set_tick_period_milliseconds(period: u32) => host::tick_period[period];
        proxy_set_effective_context(context: u32) => host::effective_context[context];
        proxy_done() => host::done[];
        proxy_get_status(code: u32, at: u32, size: u32) => host::last_status[code, Slot(at, size)];
        proxy_call_foreign_function(
            name: u32, name_size: u32, argument: u32, argument_size: u32, at: u32, size: u32
        ) => host::foreign_function[
            Span(name, name_size), Span(argument, argument_size), Slot(at, size)
        ];
        proxy_get_property(path: u32, path_size: u32, at: u32, size: u32) =>
            host::property[Span(path, path_size), Slot(at, size)];
        proxy_set_property(path: u32, path_size: u32, value: u32, value_size: u32) =>
            host::set_property[Span(path, path_size), Span(value, value_size)];
    );
    Ok(())
}

fn requests(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    define!(linker, "env", status:
        proxy_get_header_map_pairs(map: u32, at: u32, size: u32) =>
            headers::all[map, Slot(at, size)];
        proxy_set_header_map_pairs(map: u32, at: u32, size: u32) =>
            headers::set_all[map, Span(at, size)];
        proxy_get_header_map_size(map: u32, to: u32) => headers::size[map, to];
        proxy_get_header_map_value(map: u32, name: u32, name_size: u32, at: u32, size: u32) =>
            headers::get[map, Span(name, name_size), Slot(at, size)];
        proxy_add_header_map_value(map: u32, name: u32, name_size: u32, value: u32, size: u32) =>
            headers::add[map, Span(name, name_size), Span(value, size)];
        proxy_replace_header_map_value(
            map: u32, name: u32, name_size: u32, value: u32, value_size: u32
        ) => headers::replace[map, Span(name, name_size), Span(value, value_size)];
        proxy_remove_header_map_value(map: u32, name: u32, name_size: u32) =>
            headers::remove[map, Span(name, name_size)];
        proxy_get_buffer_bytes(buffer: u32, start: u32, length: u32, at: u32, size: u32) =>
            http::buffer[buffer, Span(start, length), Slot(at, size)];
        proxy_get_buffer_status(buffer: u32, size: u32, flags: u32) =>
            http::buffer_status[buffer, size, flags];
        proxy_set_buffer_bytes(buffer: u32, _start: u32, _length: u32, _at: u32, _size: u32) =>
            http::set_buffer[buffer];
        proxy_send_local_response(
            code: u32, details: u32, details_size: u32, body: u32, body_size: u32,
            headers: u32, headers_size: u32, grpc_status: i32
        ) => http::respond[
            (code, grpc_status),
            Span(details, details_size),
            Span(body, body_size),
            Span(headers, headers_size)
        ];
        proxy_http_call(
            cluster: u32, cluster_size: u32, headers: u32, headers_size: u32, body: u32,
            body_size: u32, trailers: u32, trailers_size: u32, timeout: u32, to: u32
        ) => http::call[
            Span(cluster, cluster_size),
            [Span(headers, headers_size), Span(body, body_size), Span(trailers, trailers_size)],
            timeout,
            to
        ];
    );
    Ok(())
}

fn sharing(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    define!(linker, "env", status:
        proxy_get_shared_data(key: u32, key_size: u32, at: u32, size: u32, version: u32) =>
            shared::data[Span(key, key_size), Slot(at, size), version];
        proxy_set_shared_data(key: u32, key_size: u32, value: u32, size: u32, version: u32) =>
            shared::set_data[Span(key, key_size), Span(value, size), version];
        proxy_register_shared_queue(name: u32, name_size: u32, to: u32) =>
            shared::register_queue[Span(name, name_size), to];
        proxy_resolve_shared_queue(_vm: u32, _vm_size: u32, name: u32, name_size: u32, to: u32) =>
            shared::resolve_queue[Span(name, name_size), to];
        proxy_enqueue_shared_queue(queue: u32, value: u32, size: u32) =>
            shared::enqueue[queue, Span(value, size)];
        proxy_dequeue_shared_queue(queue: u32, at: u32, size: u32) =>
            shared::dequeue[queue, Slot(at, size)];
        proxy_define_metric(kind: u32, name: u32, name_size: u32, to: u32) =>
            metrics::define[kind, Span(name, name_size), to];
        proxy_increment_metric(metric: u32, offset: i64) => metrics::increment[metric, offset];
        proxy_record_metric(metric: u32, value: u64) => metrics::record[metric, value];
        proxy_get_metric(metric: u32, to: u32) => metrics::get[metric, to];
    );
    Ok(())
}

fn unimplemented(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    define!(linker, "env", status:
        proxy_continue_stream(_kind: u32) => refuse[];
        proxy_close_stream(_kind: u32) => refuse[];
        proxy_grpc_call(
            _a: u32, _b: u32, _c: u32, _d: u32, _e: u32, _f: u32, _g: u32, _h: u32, _i: u32,
            _j: u32, _k: u32, _l: u32
        ) => refuse[];
        proxy_grpc_stream(
            _a: u32, _b: u32, _c: u32, _d: u32, _e: u32, _f: u32, _g: u32, _h: u32, _i: u32
        ) => refuse[];
        proxy_grpc_send(_call: u32, _at: u32, _size: u32, _end: u32) => refuse[];
        proxy_grpc_cancel(_call: u32) => refuse[];
        proxy_grpc_close(_call: u32) => refuse[];
    );
    Ok(())
}

fn refuse(_: &mut Guest<'_>) -> Result<(), Fault> {
    Err(Status::Unimplemented.into())
}

/// What the module is told of a call.
fn status(result: Result<(), Fault>) -> wasmtime::Result<u32> {
    match result {
        Ok(()) => Ok(Status::Ok as u32),
        Err(Fault::Status(status)) => Ok(status as u32),
        Err(Fault::Trap(error)) => Err(error),
    }
}

use define;
