//! Answering a request that is denied: the one place where causes become answers.

use crate::config::{Config, Location};
use crate::credential;
use crate::host::{self, Header};
use crate::json::quote;
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
struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
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
    headers: &[Header],
) -> Action {
    if is_grpc(headers) {
        host::respond_grpc(grpc_status(told.status), told.detail);
    } else {
        let answer = answer(config, told, decision, policies);
        let headers = answer.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        host::respond(answer.status, headers, answer.body.as_bytes());
    }
    Action::Pause
}

/// A problem (RFC 9457).
fn answer(config: Option<&Config>, told: &Told<'_>, decision: &str, policies: &[&str]) -> Answer {
    let mut body = String::with_capacity(BODY);
    // A label needs no escaping.
    body.push_str("{\"type\":\"urn:cedarkey:denied:");
    body.push_str(told.cause.label());
    body.push_str("\",\"title\":");
    quote(title(told.status), &mut body);
    body.push_str(&format!(",\"status\":{},\"detail\":", told.status));
    quote(told.detail, &mut body);
    body.push_str(",\"decision_id\":");
    quote(decision, &mut body);
    for (at, policy) in policies.iter().enumerate() {
        body.push_str(if at == 0 { ",\"policies\":[" } else { "," });
        quote(policy, &mut body);
    }
    body.push_str(if policies.is_empty() { "}" } else { "]}" });

    let mut headers = vec![
        ("content-type", "application/problem+json".to_owned()),
        ("cache-control", "no-store".to_owned()),
    ];
    if told.status == 401 {
        headers.extend(config.map(|config| ("www-authenticate", challenge(config))));
    }
    Answer { status: told.status, headers, body }
}

/// What a caller without a key is asked for (RFC 9110, section 11.6.1).
fn challenge(config: &Config) -> String {
    let bearer = config.key_from.contains(&Location::Bearer);
    let scheme = if bearer { "Bearer" } else { "ApiKey" };
    format!("{scheme} realm=\"{}\"", config.bundle)
}

/// Whether the proxy takes this for a gRPC call. It must be neither more nor less: an answer of gRPC
/// to what the proxy takes for another request comes out as a 200 that says nothing of a denial.
fn is_grpc(headers: &[Header]) -> bool {
    let Some(kind) = credential::one(headers, "content-type") else { return false };
    let Some(rest) = kind.strip_prefix("application/grpc") else { return false };
    rest.is_empty() || rest.starts_with('+')
}

fn title(status: u16) -> &'static str {
    match status {
        401 => "Unauthorized",
        403 => "Forbidden",
        _ => "Service Unavailable",
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
