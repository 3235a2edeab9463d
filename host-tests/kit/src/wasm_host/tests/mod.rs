//! The host, with small modules in place of the filter.

mod faults;
mod requests;
mod root;
mod sharing;

use super::*;

/// A module of `body` with the imports that it needs, each with its parameters: `i` for 32 bits,
/// `I` for 64.
///
/// It has: a memory; an allocator that starts at 4096 and never frees; `$say`, which logs a number
/// from 0 to 15 as one digit of base 16; the texts of `data` from address 256, each at 32 bytes.
fn module(imports: &[(&str, &str)], data: &[&str], body: &str) -> FilterModule {
    FilterModule::compile("test", wat(imports, data, body).as_bytes()).unwrap()
}

fn wat(imports: &[(&str, &str)], data: &[&str], body: &str) -> String {
    let imports: String = imports
        .iter()
        .map(|(name, parameters)| {
            let parameters = parameters.replace('i', "j32 ").replace('I', "j64 ").replace('j', "i");
            let from = if name.starts_with("proxy_") { "env" } else { "wasi_snapshot_preview1" };
            format!(
                "(import \"{from}\" \"{name}\" (func ${name} (param {parameters}) (result i32)))\n"
            )
        })
        .collect();
    let data: String = (256..)
        .step_by(32)
        .zip(data)
        .map(|(at, text)| format!("(data (i32.const {at}) \"{}\")\n", escaped(text.as_bytes())))
        .collect();
    format!(
        r#"(module
        (import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
        {imports}
        (memory (export "memory") 1)
        (data (i32.const 64) "0123456789abcdef")
        {data}
        (global $next (mut i32) (i32.const 4096))
        (func (export "proxy_abi_version_0_2_1"))
        (func (export "proxy_on_memory_allocate") (param $size i32) (result i32)
            global.get $next
            (global.set $next (i32.add (global.get $next) (local.get $size))))
        (func $say (param $number i32)
            (drop (call $log
                (i32.const 2) (i32.add (i32.const 64) (local.get $number)) (i32.const 1))))
        {body})"#
    )
}

/// Bytes as the text format writes them.
fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:02x}")).collect()
}

fn start(module: &FilterModule) -> WasmHost {
    WasmHost::worker(module, &Shared::new()).unwrap()
}

fn get() -> Headers {
    Headers::request("GET", "localhost", "/")
}

/// What the module has logged, in one text.
fn said(host: &WasmHost) -> String {
    host.log().iter().map(|line| line.message.as_str()).collect()
}
