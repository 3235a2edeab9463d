//! What the VMs of one proxy share.

use super::*;

/// On each tick it takes the value of `key`, and sets it to `new` with the version that it saw, or
/// on the first tick with none.
fn swapper() -> FilterModule {
    module(
        &[("proxy_get_shared_data", "iiiii"), ("proxy_set_shared_data", "iiiii")],
        &["key", "new"],
        r#"(func (export "proxy_on_queue_ready") (param i32 i32) (call $say (local.get 1)))
        (func (export "proxy_on_configure") (param i32 i32) (result i32)
            (call $say (call $proxy_get_shared_data
                (i32.const 256) (i32.const 3) (i32.const 8) (i32.const 12) (i32.const 16)))
            (call $say (i32.load (i32.const 16)))
            i32.const 1)
        (func (export "proxy_on_tick") (param i32)
            (call $say (call $proxy_set_shared_data (i32.const 256) (i32.const 3)
                (i32.const 288) (i32.const 3) (i32.load (i32.const 16)))))"#,
    )
}

#[test]
fn data_is_swapped_by_one_of_many() {
    let (module, shared) = (swapper(), Shared::new());
    let mut workers = [(); 2].map(|()| WasmHost::worker(&module, &shared).unwrap());
    let [one, two] = &mut workers;
    one.configure("").unwrap();
    assert_eq!(said(one), "10", "not found, and so without a version");
    shared.set_data("key", "old");
    assert_eq!(shared.keys(), ["key"]);

    for worker in [&mut *one, &mut *two] {
        worker.configure("").unwrap();
    }
    one.tick().unwrap();
    two.tick().unwrap();
    assert_eq!(said(one), "10010", "swapped");
    assert_eq!(said(two), "018", "too late");
    assert_eq!(shared.data("key").unwrap(), b"new");

    two.configure("").unwrap();
    two.tick().unwrap();
    assert_eq!(said(two), "018020", "with the new version it works");
    assert_eq!(one.shared().data("other"), None);
}

#[test]
fn metrics_are_the_processs() {
    let module = module(
        &[
            ("proxy_define_metric", "iiii"),
            ("proxy_get_metric", "ii"),
            ("proxy_increment_metric", "iI"),
            ("proxy_record_metric", "iI"),
        ],
        &["requests", "version", "sizes"],
        r#"
        (func $define (param $kind i32) (param $name i32) (param $size i32) (param $to i32)
            (call $say (call $proxy_define_metric
                (local.get $kind) (local.get $name) (local.get $size) (local.get $to))))
        (func (export "proxy_on_vm_start") (param i32 i32) (result i32)
            (call $define (i32.const 0) (i32.const 256) (i32.const 8) (i32.const 16))
            (call $define (i32.const 1) (i32.const 288) (i32.const 7) (i32.const 20))
            (call $define (i32.const 2) (i32.const 320) (i32.const 5) (i32.const 24))
            (call $define (i32.const 3) (i32.const 320) (i32.const 5) (i32.const 28))
            i32.const 1)
        (func (export "proxy_on_tick") (param i32)
            (drop (call $proxy_increment_metric (i32.load (i32.const 16)) (i64.const 2)))
            (call $say (call $proxy_increment_metric (i32.load (i32.const 16)) (i64.const -1)))
            (drop (call $proxy_record_metric (i32.load (i32.const 20)) (i64.const 9)))
            (drop (call $proxy_increment_metric (i32.load (i32.const 20)) (i64.const -1)))
            (drop (call $proxy_record_metric (i32.load (i32.const 24)) (i64.const 5)))
            (call $say (call $proxy_record_metric (i32.const 99) (i64.const 5)))
            (call $say (call $proxy_get_metric (i32.load (i32.const 16)) (i32.const 40)))
            (call $say (i32.load (i32.const 40))))"#,
    );
    let shared = Shared::new();
    for _ in 0..2 {
        let mut worker = WasmHost::worker(&module, &shared).unwrap();
        worker.tick().unwrap();
        assert!(said(&worker).starts_with("0002"), "there is no fourth kind: {}", said(&worker));
        assert!(said(&worker).contains("110"), "no counter goes down: {}", said(&worker));
    }
    assert_eq!(shared.metric("requests"), Some(4));
    assert_eq!(shared.metric("version"), Some(8));
    assert_eq!(shared.metric("sizes"), None);
    assert_eq!(shared.metrics()["sizes"], Metric::Histogram(vec![5, 5]));
}

#[test]
fn queues_bring_values_to_who_registered_them() {
    let module = module(
        &[
            ("proxy_register_shared_queue", "iii"),
            ("proxy_resolve_shared_queue", "iiiii"),
            ("proxy_enqueue_shared_queue", "iii"),
            ("proxy_dequeue_shared_queue", "iii"),
        ],
        &["queue", "value"],
        r#"(func (export "proxy_on_configure") (param i32 i32) (result i32)
            (call $say (call $proxy_register_shared_queue
                (i32.const 256) (i32.const 5) (i32.const 16)))
            i32.const 1)
        (func (export "proxy_on_tick") (param i32)
            (call $say (call $proxy_resolve_shared_queue (i32.const 0) (i32.const 0)
                (i32.const 256) (i32.const 5) (i32.const 16)))
            (call $say (call $proxy_enqueue_shared_queue
                (i32.load (i32.const 16)) (i32.const 288) (i32.const 5))))
        (func (export "proxy_on_queue_ready") (param i32 i32)
            (call $say (call $proxy_dequeue_shared_queue
                (local.get 1) (i32.const 8) (i32.const 12)))
            (drop (call $log (i32.const 2) (i32.load (i32.const 8)) (i32.load (i32.const 12))))
            (call $say (call $proxy_dequeue_shared_queue
                (local.get 1) (i32.const 8) (i32.const 12))))"#,
    );
    let shared = Shared::new();
    let mut sender = WasmHost::worker(&module, &shared).unwrap();
    let mut receiver = WasmHost::worker(&module, &shared).unwrap();
    sender.tick().unwrap();
    assert!(said(&sender).starts_with('1'), "nobody registered it");
    receiver.configure("").unwrap();
    sender.tick().unwrap();
    sender.queues_ready().unwrap();
    receiver.queues_ready().unwrap();
    receiver.queues_ready().unwrap();
    assert_eq!(said(&receiver), "00value7", "told once, and then it is empty");
    assert!(said(&sender).ends_with("00"), "{}", said(&sender));
}
