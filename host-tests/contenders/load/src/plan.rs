//! What is sent.

use bytes::Bytes;
use http_body_util::Empty;
use hyper::Request;
use serde::Deserialize;
use std::net::SocketAddr;

/// What is sent, to whom, and for how long.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Where the proxy listens.
    pub address: SocketAddr,
    /// Over HTTP/2 instead of HTTP/1.1.
    pub http2: bool,
    /// How many connections there are.
    pub connections: usize,
    /// How many requests each has under way at a time; in HTTP/1.1 it is one.
    pub streams: usize,
    /// It ends after so many requests,
    pub requests: u64,
    /// or after so many seconds.
    pub seconds: f64,
    /// The requests, which are sent in turn.
    pub mix: Vec<Ask>,
}

/// A request, and how it must be answered.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    /// The status.
    pub status: u16,
}

// === impl Ask ===

impl Ask {
    /// The request itself.
    pub fn request(&self, plan: &Plan) -> anyhow::Result<Request<Empty<Bytes>>> {
        let authority = plan.address;
        let mut request = Request::builder().method(self.method.as_str());
        request = if plan.http2 {
            request.uri(format!("http://{authority}{}", self.path))
        } else {
            request.uri(&self.path).header("host", authority.to_string())
        };
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        Ok(request.body(Empty::new())?)
    }
}
