//! What delivery needs of the proxy.

use std::time::Duration;

/// The proxy, as far as delivery goes.
pub trait Port {
    /// The present instant, in milliseconds since 1970-01-01T00:00:00Z, by a clock that may be set.
    fn now(&mut self) -> i64;

    /// The latest instant that was ever the present one: what has expired by it stays expired.
    fn latest(&mut self) -> i64;

    /// What the proxy calls itself.
    fn node(&mut self) -> Option<String>;

    /// Begins an HTTP call; gives what identifies its answer.
    fn call(
        &mut self,
        cluster: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
        timeout: Duration,
    ) -> Option<u32>;

    /// A value that all VMs share, and its version.
    fn shared(&mut self, key: &str) -> (Option<Vec<u8>>, Option<u32>);

    /// Sets a shared value; with a version, only if it is still that. Tells whether it was set.
    fn set_shared(&mut self, key: &str, value: Option<&[u8]>, version: Option<u32>) -> bool;
}

/// The answer to an HTTP call.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The status; none where there was no answer.
    pub status: Option<u16>,
    /// The `ETag`.
    pub etag: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}
