//! HTTP calls that the module makes.

use super::headers::Headers;
use std::time::Duration;

/// An HTTP call that the module waits for an answer to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HttpCall {
    /// What the module knows it by.
    pub id: u32,
    /// The cluster that it goes to.
    pub cluster: String,
    /// Its headers, with the pseudo-headers.
    pub headers: Headers,
    /// Its body.
    pub body: Vec<u8>,
    /// Its trailers.
    pub trailers: Headers,
    /// When the proxy would give it up.
    pub timeout: Duration,
}

/// The answer to a call, while the module may read it.
#[derive(Debug)]
pub(super) struct Answer {
    pub headers: Headers,
    pub body: Vec<u8>,
}
