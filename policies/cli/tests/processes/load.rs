//! A fleet at one publisher: the short form of `cargo xtask bench fleet`.

use cedarkey_host_kit::fleet::{self, Load};
use std::path::Path;
use std::time::Duration;

#[test]
fn every_proxy_gets_every_push() {
    let load = Load { proxies: 200, pushes: 4, length: Duration::from_secs(6) };
    let seen = fleet::run(Path::new(env!("CARGO_BIN_EXE_cedarkey")), load).unwrap();
    assert_eq!(seen.failures, 0);
    // Each proxy gets each version, unless it was so slow that the next one was there already.
    let deliveries = seen.propagation.len();
    assert!((200..=800).contains(&deliveries), "{deliveries}");
    let p99 = seen.percentile(99);
    // Far above what it takes, also on a busy machine, and far below what a missed wake-up would.
    assert!(p99 < Duration::from_secs(5), "{p99:?}");
}
