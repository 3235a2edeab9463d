//! Tests of the whole, on real hosts: see `tests`.
