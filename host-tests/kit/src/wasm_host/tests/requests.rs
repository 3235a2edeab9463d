//! Requests: headers, properties, answers.

use super::*;

#[test]
fn headers_are_read_and_changed() {
    let module = module(
        &[
            ("proxy_get_header_map_value", "iiiii"),
            ("proxy_add_header_map_value", "iiiii"),
            ("proxy_replace_header_map_value", "iiiii"),
            ("proxy_remove_header_map_value", "iii"),
        ],
        &["x-api-key", "x-seen", "x-spoofed", "no"],
        r#"(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
            (call $say (local.get 1))
            (call $say (call $proxy_get_header_map_value
                (i32.const 0) (i32.const 256) (i32.const 9) (i32.const 8) (i32.const 12)))
            (call $say (call $proxy_add_header_map_value (i32.const 0)
                (i32.const 288) (i32.const 6) (i32.load (i32.const 8)) (i32.load (i32.const 12))))
            (call $say (call $proxy_remove_header_map_value
                (i32.const 0) (i32.const 256) (i32.const 9)))
            (call $say (call $proxy_get_header_map_value
                (i32.const 0) (i32.const 256) (i32.const 9) (i32.const 8) (i32.const 12)))
            (call $say (call $proxy_replace_header_map_value
                (i32.const 0) (i32.const 320) (i32.const 9) (i32.const 352) (i32.const 2)))
            i32.const 0)"#,
    );
    let mut host = start(&module);
    let headers = get().with("X-Api-Key", b"\xff1").with("x-spoofed", "1").with("x-spoofed", "2");
    let outcome = host.request(&headers, &Properties::new()).unwrap();
    let expected = get().with("x-seen", b"\xff1").with("x-spoofed", "no");
    assert_eq!(outcome, Outcome::Continue { headers: expected });
    assert_eq!(said(&host), "700010", "7 headers; and not found once it was removed");

    let calls = host.hostcalls();
    assert_eq!(calls.of("proxy_get_header_map_value"), 2);
    assert_eq!(calls.of("proxy_add_header_map_value"), 1);
    assert_eq!(calls.of("proxy_get_property"), 0);
    assert_eq!(calls.total(), 11, "with those of the log: {calls:?}");
    host.request(&headers, &Properties::new()).unwrap();
    assert_eq!(host.hostcalls().total(), 11, "each request is counted on its own");
}

#[test]
fn all_headers_at_once() {
    let module = module(
        &[("proxy_get_header_map_pairs", "iii"), ("proxy_set_header_map_pairs", "iii")],
        &[],
        r#"(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
            (call $say (call $proxy_get_header_map_pairs
                (i32.const 0) (i32.const 8) (i32.const 12)))
            ;; The number of the first path's length, so that the pairs are malformed.
            (i32.store (i32.load (i32.const 8)) (i32.const 99))
            (call $say (call $proxy_set_header_map_pairs
                (i32.const 0) (i32.load (i32.const 8)) (i32.load (i32.const 12))))
            (i32.store (i32.load (i32.const 8)) (i32.const 4))
            (call $say (call $proxy_set_header_map_pairs
                (i32.const 0) (i32.load (i32.const 8)) (i32.load (i32.const 12))))
            (call $say (call $proxy_get_header_map_pairs
                (i32.const 2) (i32.const 8) (i32.const 12)))
            (call $say (call $proxy_get_header_map_pairs
                (i32.const 9) (i32.const 8) (i32.const 12)))
            i32.const 0)"#,
    );
    let mut host = start(&module);
    let outcome = host.request(&get(), &Properties::new()).unwrap();
    assert_eq!(outcome, Outcome::Continue { headers: get() });
    assert_eq!(said(&host), "04022", "malformed pairs, no response and no such map are refused");
}

#[test]
fn properties_of_the_request_and_of_the_proxy() {
    let module = module(
        &[
            ("proxy_get_property", "iiii"),
            ("proxy_set_property", "iiii"),
            ("proxy_add_header_map_value", "iiiii"),
        ],
        &["source\0address", "plugin_name", "decision", "allow"],
        r#"(func $show (param $path i32) (param $size i32)
            (call $say (call $proxy_get_property
                (local.get $path) (local.get $size) (i32.const 8) (i32.const 12)))
            (drop (call $proxy_add_header_map_value (i32.const 0) (local.get $path)
                (i32.const 6) (i32.load (i32.const 8)) (i32.load (i32.const 12)))))
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
            (call $show (i32.const 256) (i32.const 14))
            (call $show (i32.const 288) (i32.const 11))
            (call $say (call $proxy_get_property
                (i32.const 320) (i32.const 8) (i32.const 8) (i32.const 12)))
            (call $say (call $proxy_set_property
                (i32.const 320) (i32.const 8) (i32.const 352) (i32.const 5)))
            (call $say (call $proxy_get_property
                (i32.const 320) (i32.const 8) (i32.const 8) (i32.const 12)))
            i32.const 0)"#,
    );
    let mut host = start(&module);
    host.set_properties(Properties::new().text(&["plugin_name"], "cedarkey"));
    let properties = Properties::new().text(&["source", "address"], "10.0.0.1:40000");
    let outcome = host.request(&get(), &properties).unwrap();
    let expected = get().with("source", "10.0.0.1:40000").with("plugin", "cedarkey");
    assert_eq!(outcome, Outcome::Continue { headers: expected });
    assert_eq!(said(&host), "00100");
    host.request(&get(), &properties).unwrap();
    assert_eq!(said(&host), "0010000100", "what a request sets ends with it");
}

#[test]
fn the_modules_own_answer() {
    let pairs = Headers::new().with("content-type", "text/plain").encode();
    let module = module(
        &[("proxy_send_local_response", "iiiiiiii")],
        &["denied", "no key", "again"],
        &format!(
            r#"(data (i32.const 512) "{}")
            (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
                (call $say (call $proxy_send_local_response
                    (i32.const 401) (i32.const 256) (i32.const 6) (i32.const 288) (i32.const 6)
                    (i32.const 512) (i32.const {}) (i32.const -1)))
                (call $say (call $proxy_send_local_response
                    (i32.const 500) (i32.const 0) (i32.const 0) (i32.const 320) (i32.const 5)
                    (i32.const 0) (i32.const 0) (i32.const 16)))
                i32.const 1)"#,
            escaped(&pairs),
            pairs.len()
        ),
    );
    let outcome = start(&module).request(&get(), &Properties::new()).unwrap();
    let expected = Outcome::Local {
        status: 401,
        headers: Headers::new().with("content-type", "text/plain"),
        body: b"no key".to_vec(),
        grpc_status: None,
        details: "denied".into(),
    };
    assert_eq!(outcome, expected, "the first answer counts");
}

#[test]
fn neither_passed_nor_answered() {
    let body = r#"(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
        i32.const 1)"#;
    let outcome = start(&module(&[], &[], body)).request(&get(), &Properties::new()).unwrap();
    assert_eq!(outcome, Outcome::Paused);
}

#[test]
fn a_context_lives_from_its_request_to_its_end() {
    let body = r#"
        (func (export "proxy_on_context_create") (param i32 i32)
            (call $say (i32.const 10)) (call $say (local.get 0)) (call $say (local.get 1)))
        (func (export "proxy_on_done") (param i32) (result i32)
            (call $say (i32.const 13)) i32.const 1)
        (func (export "proxy_on_log") (param i32) (call $say (i32.const 12)))
        (func (export "proxy_on_delete") (param i32)
            (call $say (i32.const 14)) (call $say (local.get 0)))"#;
    let mut host = start(&module(&[], &[], body));
    assert_eq!(said(&host), "a10");
    host.request(&get(), &Properties::new()).unwrap();
    host.request(&get(), &Properties::new()).unwrap();
    assert_eq!(said(&host), "a10a21cde2a31cde3");
}
