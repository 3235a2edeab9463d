//! The root context: configuration, time, ticks, HTTP calls, output.

use super::*;
use std::time::{Duration, SystemTime};

#[test]
fn configuration_is_accepted_or_not() {
    let module = module(
        &[("proxy_get_buffer_bytes", "iiiii")],
        &[],
        r#"(func (export "proxy_on_configure") (param i32 i32) (result i32)
            (call $say (local.get 1))
            (call $say (call $proxy_get_buffer_bytes
                (i32.const 7) (i32.const 0) (i32.const 100) (i32.const 8) (i32.const 12)))
            (call $say (i32.load (i32.const 12)))
            (call $say (call $proxy_get_buffer_bytes
                (i32.const 4) (i32.const 0) (i32.const 100) (i32.const 8) (i32.const 12)))
            (i32.eq (i32.load8_u (i32.load (i32.const 8))) (i32.const 123)))"#,
    );
    let mut host = start(&module);
    assert!(host.configure("{}").unwrap());
    assert_eq!(said(&host), "2021", "its size, its bytes, and no answer to a call");
    assert!(!host.configure("[]").unwrap());
}

#[test]
fn the_clock_stands_where_it_is_set() {
    let body = r#"
        (func (export "proxy_on_vm_start") (param i32 i32) (result i32)
            (call $say (call $proxy_set_tick_period_milliseconds (i32.const 250))) i32.const 1)
        (func (export "proxy_on_tick") (param i32)
            (call $say (call $proxy_get_current_time_nanoseconds (i32.const 16)))
            (call $say (i32.wrap_i64 (i64.load (i32.const 16))))
            (call $say (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 24)))
            (call $say (i32.wrap_i64 (i64.load (i32.const 24)))))"#;
    let imports = [
        ("proxy_get_current_time_nanoseconds", "i"),
        ("proxy_set_tick_period_milliseconds", "i"),
        ("clock_time_get", "iIi"),
    ];
    let mut host = start(&module(&imports, &[], body));
    assert_eq!(host.tick_period(), Some(Duration::from_millis(250)));
    host.set_now(SystemTime::UNIX_EPOCH + Duration::from_nanos(7));
    host.tick().unwrap();
    assert_eq!(said(&host), "00707");
    assert_eq!(host.hostcalls().of("proxy_get_current_time_nanoseconds"), 1);
}

/// On each tick it begins a call to `publisher`; of the answer it says the number of headers, of
/// bytes, whether it can read the headers, and the body's first bytes.
fn caller() -> FilterModule {
    let request = Headers::request("GET", "publisher", "/v1/x").encode();
    module(
        &[
            ("proxy_http_call", "iiiiiiiiii"),
            ("proxy_get_buffer_bytes", "iiiii"),
            ("proxy_get_header_map_pairs", "iii"),
        ],
        &["publisher"],
        &format!(
            r#"(data (i32.const 512) "{}")
            (func (export "proxy_on_tick") (param i32)
                (call $say (call $proxy_http_call
                    (i32.const 256) (i32.const 9) (i32.const 512) (i32.const {})
                    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
                    (i32.const 5000) (i32.const 16))))
            (func (export "proxy_on_http_call_response") (param i32 i32 i32 i32 i32)
                (call $say (local.get 1)) (call $say (local.get 2)) (call $say (local.get 3))
                (call $say (call $proxy_get_header_map_pairs
                    (i32.const 6) (i32.const 8) (i32.const 12)))
                (call $say (call $proxy_get_buffer_bytes
                    (i32.const 4) (i32.const 0) (i32.const 8) (i32.const 8) (i32.const 12)))
                (drop (call $log (i32.const 3) (i32.load (i32.const 8))
                    (i32.load (i32.const 12)))))"#,
            escaped(&request),
            request.len()
        ),
    )
}

#[test]
fn calls_wait_for_their_answers() {
    let mut host = start(&caller());
    host.tick().unwrap();
    host.tick().unwrap();
    let [first, second] = host.calls() else { panic!("{:?}", host.calls()) };
    assert_eq!((first.id, second.id), (1, 2));
    assert_eq!(first.cluster, "publisher");
    assert_eq!(first.headers.text(":path"), Some("/v1/x"));
    assert_eq!(first.timeout, Duration::from_secs(5));

    host.answer(2, &Headers::new().with(":status", "200"), "body").unwrap();
    assert_eq!(said(&host), "0021400body");
    assert_eq!(host.log().last().unwrap().level, LogLevel::Warn);
    assert_eq!(host.calls().len(), 1);
    let error = host.answer(2, &Headers::new(), "").unwrap_err();
    assert_eq!(error.to_string(), "no HTTP call 2 waits for an answer");
}

#[test]
fn calls_fail_at_once_or_later() {
    let mut host = start(&caller());
    host.tick().unwrap();
    host.fail_call(1).unwrap();
    assert!(said(&host).starts_with("010021"), "no headers, and none to read: {}", said(&host));
    host.refuse_calls(true);
    host.tick().unwrap();
    assert_eq!(host.log().last().unwrap().message, "2");
    assert!(host.calls().is_empty());
}

#[test]
fn output_goes_to_the_log() {
    let module = module(
        &[("fd_write", "iiii"), ("environ_sizes_get", "ii"), ("random_get", "ii")],
        &["first, ", "second\n"],
        r#"(func (export "_initialize")
            (i32.store (i32.const 8) (i32.const 256)) (i32.store (i32.const 12) (i32.const 7))
            (i32.store (i32.const 16) (i32.const 288)) (i32.store (i32.const 20) (i32.const 7))
            (call $say (call $fd_write
                (i32.const 2) (i32.const 8) (i32.const 2) (i32.const 24)))
            (call $say (i32.load (i32.const 24)))
            (call $say (call $fd_write
                (i32.const 3) (i32.const 8) (i32.const 2) (i32.const 24)))
            (call $say (call $environ_sizes_get (i32.const 24) (i32.const 28)))
            (call $say (i32.load (i32.const 24)))
            (call $say (call $random_get (i32.const 32) (i32.const 8)))
            (call $say (i64.eqz (i64.load (i32.const 32)))))"#,
    );
    let host = start(&module);
    assert_eq!(said(&host), "first, second0e80000");
    let first = LogLine { level: LogLevel::Error, message: "first, second".into() };
    assert_eq!(host.log().first(), Some(&first));
}
