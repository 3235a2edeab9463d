;; The filter's own entrances, by the names of the ABI.
(module
  (import "filter" "cedarkey_on_context_create" (func $create (param i32 i32)))
  (import "filter" "cedarkey_on_delete" (func $delete (param i32)))
  (import "filter" "cedarkey_on_request_headers" (func $headers (param i32 i32 i32) (result i32)))
  (import "filter" "cedarkey_on_request_trailers" (func $trailers (param i32 i32) (result i32)))
  (export "proxy_on_context_create" (func $create))
  (export "proxy_on_delete" (func $delete))
  (export "proxy_on_request_headers" (func $headers))
  (export "proxy_on_request_trailers" (func $trailers)))
