//! The proxy, for delivery.

use crate::delivery::Port;
use crate::host;
use crate::shared::Shared;
use std::time::Duration;

/// The proxy, for delivery.
#[derive(Debug)]
pub struct Proxy<'a>(pub &'a Shared);

// === impl Proxy ===

impl Port for Proxy<'_> {
    fn now(&mut self) -> i64 {
        host::now()
    }

    fn latest(&mut self) -> i64 {
        self.0.latest(host::now())
    }

    fn node(&mut self) -> Option<String> {
        let name = host::property(vec!["xds", "node", "id"])?;
        Some(String::from_utf8_lossy(&name).into_owned()).filter(|name| !name.is_empty())
    }

    fn call(
        &mut self,
        cluster: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
        timeout: Duration,
    ) -> Option<u32> {
        host::call(cluster, headers.to_vec(), body, timeout)
    }

    fn shared(&mut self, key: &str) -> (Option<Vec<u8>>, Option<u32>) {
        host::shared(key)
    }

    fn set_shared(&mut self, key: &str, value: Option<&[u8]>, version: Option<u32>) -> bool {
        host::set_shared(key, value, version)
    }
}
