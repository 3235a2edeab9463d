//! Answering a request that is denied: the one place where causes become answers.

use crate::config::{Config, Location};
use crate::headers::Headers;
use crate::host;
use crate::json::{list, quote};
use cedarkey_engine::gate::Cause;
use proxy_wasm::types::{Action, GrpcStatusCode};

/// What is told of a denial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told<'a> {
    /// The cause, as far as the caller may know it.
    pub cause: Cause,
    /// The HTTP status.
    pub status: u16,
    /// The reason, as far as the caller may know it.
    pub detail: &'a str,
}

/// Room for most bodies, in bytes.
const BODY: usize = 320;

/// An answer over HTTP.
#[derive(Debug, PartialEq, Eq)]
struct Answer<'a> {
    status: u16,
    headers: Vec<(&'static str, &'a str)>,
    body: String,
}

// === impl Told ===

impl<'a> Told<'a> {
    /// Keeps from the caller what the configuration does not reveal.
    pub fn new(cause: Cause, detail: &'a str, reveal_revoked: bool) -> Self {
        match cause {
            Cause::KeyRevoked if reveal_revoked => Self { cause, status: 403, detail },
            Cause::DecoyKey | Cause::KeyRevoked => {
                let cause = Cause::UnknownKey;
                Self { cause, status: cause.status(), detail: cause.detail() }
            }
            _ => Self { cause, status: cause.status(), detail },
        }
    }
}

/// Answers the request in hand.
pub fn deny(
    config: Option<&Config>,
    told: &Told<'_>,
    decision: &str,
    policies: &[&str],
    headers: &Headers,
) -> Action {
    if is_grpc(headers) {
        host::respond_grpc(grpc_status(told.status), told.detail);
    } else {
        let Answer { status, headers, body } = answer(config, told, decision, policies);
        host::respond(status, headers, body.as_bytes());
    }
    Action::Pause
}

/// A problem (RFC 9457).
fn answer<'a>(
    config: Option<&'a Config>,
    told: &Told<'_>,
    decision: &str,
    policies: &[&str],
) -> Answer<'a> {
    let (status, title) = names(told.status);
    let mut body = String::with_capacity(BODY);
    // Labels, titles and ids need no escaping.
    body.extend(["{\"type\":\"urn:cedarkey:denied:", told.cause.label(), "\",\"title\":\"", title]);
    body.extend(["\",\"status\":", status, ",\"detail\":"]);
    quote(told.detail, &mut body);
    body.extend([",\"decision_id\":\"", decision, "\""]);
    list("policies", policies.iter().copied(), &mut body);
    body.push('}');

    let mut headers = Vec::with_capacity(3);
    headers.push(("content-type", "application/problem+json"));
    headers.push(("cache-control", "no-store"));
    if told.status == 401 {
        headers.extend(config.map(|config| ("www-authenticate", &*config.challenge)));
    }
    Answer { status: told.status, headers, body }
}

/// What a caller without a key is asked for (RFC 9110, section 11.6.1).
pub fn challenge(bundle: &str, places: &[Location]) -> String {
    let scheme = if places.contains(&Location::Bearer) { "Bearer" } else { "ApiKey" };
    format!("{scheme} realm=\"{bundle}\"")
}

/// Whether the proxy takes this for a gRPC call. It must be neither more nor less: an answer of gRPC
/// to what the proxy takes for another request comes out as a 200 that says nothing of a denial.
fn is_grpc(headers: &Headers) -> bool {
    let Some(kind) = headers.one("content-type") else { return false };
    let Some(rest) = kind.strip_prefix("application/grpc") else { return false };
    rest.is_empty() || rest.starts_with('+')
}

/// The digits of a status, and its name (RFC 9110, section 15).
fn names(status: u16) -> (&'static str, &'static str) {
    match status {
        401 => ("401", "Unauthorized"),
        403 => ("403", "Forbidden"),
        _ => ("503", "Service Unavailable"),
    }
}

fn grpc_status(status: u16) -> GrpcStatusCode {
    match status {
        401 => GrpcStatusCode::Unauthenticated,
        403 => GrpcStatusCode::PermissionDenied,
        _ => GrpcStatusCode::Unavailable,
    }
}

#[cfg(test)]
mod tests;
