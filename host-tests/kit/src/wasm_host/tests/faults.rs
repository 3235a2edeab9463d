//! Modules that are broken, and that break.

use super::*;

fn refused(wat: &str) -> String {
    let module = FilterModule::compile("broken.wasm", wat.as_bytes());
    module.and_then(|module| WasmHost::worker(&module, &Shared::new())).unwrap_err().to_string()
}

#[test]
fn what_is_no_module() {
    let error = FilterModule::compile("x.wasm", b"\0asm\x01\0\0\0\xff").unwrap_err().to_string();
    assert!(error.starts_with("`x.wasm` is not a module: "), "{error}");
    let error = WasmHost::new("/nowhere/x.wasm").unwrap_err().to_string();
    assert!(error.starts_with("cannot read `/nowhere/x.wasm`"), "{error}");
}

#[test]
fn what_a_module_lacks() {
    let error = refused(&wat(&[("proxy_make_tea", "i")], &[], ""));
    assert!(error.starts_with("the module cannot be linked: "), "{error}");
    assert!(error.contains("proxy_make_tea"), "{error}");
    let error = refused(&wat(&[("path_rename", "iiiiii")], &[], ""));
    assert!(error.contains("path_rename"), "no proxy offers it: {error}");
    assert!(refused("(module)").contains("no usable export `memory`"));
    let memory = r#"(memory (export "memory") 1)"#;
    let error = refused(&format!("(module {memory})"));
    assert!(error.contains("no usable export `proxy_on_memory_allocate`"), "{error}");
    let malloc = r#"(func (export "malloc") (param i32) (result i32) local.get 0)"#;
    let error = refused(&format!("(module {memory} {malloc})"));
    assert!(error.contains("no usable export `proxy_abi_version_0_2_1`"), "{error}");
    let error = refused(&wat(&[], &[], r#"(func (export "proxy_on_vm_start") (param i32))"#));
    assert!(error.contains("no usable export `proxy_on_vm_start`"), "{error}");
}

#[test]
fn a_module_that_refuses_to_start() {
    let body = r#"(func (export "proxy_on_vm_start") (param i32 i32) (result i32) i32.const 0)"#;
    assert_eq!(refused(&wat(&[], &[], body)), "the module refused to start");
}

#[test]
fn a_trap_is_an_error_and_the_end() {
    let body = r#"(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
        (call $say (i32.const 5)) unreachable)"#;
    let mut host = start(&module(&[], &[], body));
    let error = host.request(&get(), &Properties::new()).unwrap_err().to_string();
    assert!(error.starts_with("the module trapped in `proxy_on_request_headers`: "), "{error}");
    assert!(error.ends_with("it logged last: 5"), "{error}");
    assert!(matches!(host.request(&get(), &Properties::new()), Err(HostError::Dead)));
    assert!(matches!(host.tick(), Err(HostError::Dead)));
}

#[test]
fn an_allocator_that_lies_or_traps() {
    let imports = [("proxy_get_property", "iiii")];
    let body = r#"(func (export "proxy_on_tick") (param i32)
        (global.set $next (i32.const -8))
        (call $say (call $proxy_get_property
            (i32.const 256) (i32.const 4) (i32.const 8) (i32.const 12))))"#;
    let wat = wat(&imports, &["name"], body);
    let tick = |wat: &str| {
        let module = FilterModule::compile("test", wat.as_bytes()).unwrap();
        let mut host = start(&module);
        host.set_properties(Properties::new().text(&["name"], "value"));
        (host.tick().map_err(|error| error.to_string()), said(&host))
    };
    assert_eq!(tick(&wat), (Ok(()), "6".into()), "there is no such memory");
    let traps = wat.replacen("global.get $next", "unreachable", 1);
    let (result, said) = tick(&traps);
    assert!(result.unwrap_err().starts_with("the module trapped in `proxy_on_tick`: "));
    assert_eq!(said, "");
}

#[test]
fn addresses_outside_the_memory_are_refused() {
    let module = module(
        &[
            ("proxy_get_current_time_nanoseconds", "i"),
            ("proxy_get_property", "iiii"),
            ("fd_write", "iiii"),
        ],
        &["name"],
        r#"(func (export "proxy_on_tick") (param i32)
            (call $say (call $proxy_get_current_time_nanoseconds (i32.const 65530)))
            (call $say (call $proxy_get_current_time_nanoseconds (i32.const -1)))
            (call $say (call $proxy_get_property
                (i32.const 256) (i32.const -1) (i32.const 8) (i32.const 12)))
            (call $say (call $log (i32.const 9) (i32.const 256) (i32.const 4)))
            (call $say (i32.shr_u (call $fd_write
                (i32.const 1) (i32.const 65530) (i32.const 1) (i32.const 24)) (i32.const 2)))
            (call $say (i32.shr_u (call $fd_write
                (i32.const 1) (i32.const 0) (i32.const -1) (i32.const 24)) (i32.const 2))))"#,
    );
    let mut host = start(&module);
    host.tick().unwrap();
    assert_eq!(
        said(&host),
        "666255",
        "and no log level 9; 21 (a quarter of it, 5) from the system"
    );
}

#[test]
fn what_this_host_does_not_do_says_so() {
    let module = module(
        &[("proxy_continue_stream", "i"), ("proxy_grpc_cancel", "i"), ("proxy_done", "")],
        &[],
        r#"(func (export "proxy_on_tick") (param i32)
            (call $say (call $proxy_continue_stream (i32.const 0)))
            (call $say (call $proxy_grpc_cancel (i32.const 0)))
            (call $say (call $proxy_done)))"#,
    );
    let mut host = start(&module);
    host.tick().unwrap();
    assert_eq!(said(&host), "cc1");
}
