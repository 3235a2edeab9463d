//! What became of a request.

use super::headers::Headers;
use std::fmt;

/// What became of a request.
#[derive(Clone, Eq, PartialEq)]
pub enum Outcome {
    /// It goes on to the upstream.
    Continue {
        /// Its headers, as the upstream gets them.
        headers: Headers,
    },
    /// The module answered it.
    Local {
        /// The HTTP status.
        status: u32,
        /// The headers of the answer.
        headers: Headers,
        /// The body of the answer.
        body: Vec<u8>,
        /// The gRPC status, for a gRPC request.
        grpc_status: Option<u32>,
        /// What the access log says of it.
        details: String,
    },
    /// The module neither let it pass nor answered it; it was cut off.
    Paused,
}

// === impl Outcome ===

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Continue { headers } => {
                f.debug_struct("Continue").field("headers", headers).finish()
            }
            // The body as text, for whoever reads why a test failed.
            Self::Local { status, headers, body, grpc_status, details } => f
                .debug_struct("Local")
                .field("status", status)
                .field("headers", headers)
                .field("body", &String::from_utf8_lossy(body))
                .field("grpc_status", grpc_status)
                .field("details", details)
                .finish(),
            Self::Paused => f.write_str("Paused"),
        }
    }
}
