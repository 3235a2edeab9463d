//! The one place where something that went wrong becomes an answer.

use std::error::Error as _;

use axum::{
    Json,
    extract::rejection::PathRejection,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use cedarkey_bundle::usage::UsageError;
use cedarkey_bundle::{DecodeError, Digest, Refusal};
use serde::Serialize;

use crate::{store::StoreError, tokens::TokenRefusal};

/// Why a request is not answered with what was asked for. The message is for the one who asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error("the publisher's database is away; try again")]
    Away,
    #[error("the publisher's database is locked or overloaded; try again")]
    Busy,
    #[error("the body ended before all of it was received")]
    BrokenBody,
    #[error("the bundle's segments are more than {limit} bytes, the most this publisher accepts")]
    BundleTooLarge { limit: usize },
    #[error("the publisher is stopping")]
    Closing,
    #[error(
        "as many findings wait for an answer as this publisher keeps; is `cedarkey leak watch` running?"
    )]
    FindingsFull,
    #[error("the body is not the JSON that it should be, at line {line} column {column}")]
    FindingsMalformed { line: usize, column: usize },
    #[error("the publisher has no room left for it; its disk or database is full")]
    Full,
    #[error("the signature is not one of the body by the key that the request names")]
    GithubBadSignature,
    #[error("no key of GitHub's that is known here has the name that the request gives")]
    GithubUnknownKey,
    #[error("the request is not signed as GitHub signs what its secret scanning finds")]
    GithubUnsigned,
    #[error("{missing} of the bundle's segments were not uploaded, among them {first}")]
    Incomplete { missing: usize, first: Digest },
    #[error("the publisher failed; its log says more")]
    Internal,
    #[error("there is nothing at this path")]
    NoSuchPath,
    #[error("no bundle that names this segment was announced here within the last hour")]
    NotAnnounced,
    #[error("the bundle is not accepted: {0}")]
    Refused(#[from] Refusal),
    #[error("the body has the digest {found}")]
    SegmentDigest { found: Digest },
    #[error("the body is {found} bytes long instead of {expected}")]
    SegmentLength { found: usize, expected: usize },
    #[error("the body came too slowly")]
    SlowBody,
    #[error("the publisher's database cannot be used; its log says more")]
    Store { label: &'static str },
    #[error("the body is larger than {limit} bytes, the most that is accepted here")]
    TooLarge { limit: usize },
    #[error(transparent)]
    Tokens(#[from] TokenRefusal),
    #[error("the publisher has as many connections as it takes; try again")]
    TooManyConnections,
    #[error("the publisher is receiving as much as it can hold; try again")]
    TooManyUploads,
    #[error("the request is not by one who may push the bundle: {0}")]
    Unauthorized(Refusal),
    #[error("the body is not what it should be: {0}")]
    Undecodable(#[from] DecodeError),
    #[error("another version is in force than the request names")]
    Unexpected,
    #[error("no bundle `{name}` was ever pushed")]
    UnknownBundle { name: String },
    #[error("there is no segment of this digest")]
    UnknownSegment,
    #[error("there is no version {version} of the bundle `{name}`, or not any more")]
    UnknownVersion { name: String, version: String },
    #[error("the request is not signed; it is for those who may push the bundle")]
    Unsigned,
    #[error(
        "the request was signed at {at}, and it is {now} here, in seconds since 1970: set the clocks"
    )]
    Untimely { at: i64, now: i64 },
    #[error("`Authorization` is there more than once, or is not `Bearer` and a JWT")]
    NoBearer,
    #[error("this publisher gives no keys: start it with `cedarkey serve --mint`")]
    NoTokens,
    #[error(
        "the client's certificate has expired, or is by an authority that is no longer trusted"
    )]
    StaleCertificate,
    #[error("this publisher keeps no usage: start it with `cedarkey serve --usage`")]
    NoUsage,
    #[error("the body is no usage report: {0}")]
    Usage(#[from] UsageError),
    #[error("the bundle is not accepted: its version is more than this publisher can store")]
    VersionTooLarge,
    #[error("this path does not take the method of the request")]
    WrongMethod,
}

/// What an answer that is a problem carries for whoever counts it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cause(pub(crate) &'static str);

/// RFC 9457.
#[derive(Serialize)]
struct Body {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: String,
}

// === impl Problem ===

impl Problem {
    pub(crate) fn old_version(version: u64, current: u64) -> Self {
        Refusal::OldVersion { version, current }.into()
    }

    /// The cause as logs and the answer's `type` name it; stable.
    pub(crate) fn cause(&self) -> &'static str {
        match self {
            Self::Away => "database_away",
            Self::BrokenBody => "broken_body",
            Self::BundleTooLarge { .. } => "bundle_too_large",
            Self::Busy => "database_busy",
            Self::Closing => "closing",
            Self::FindingsFull => "findings_full",
            Self::FindingsMalformed { .. } => "findings_malformed",
            Self::Full => "database_full",
            Self::GithubBadSignature => "github_bad_signature",
            Self::GithubUnknownKey => "github_unknown_key",
            Self::GithubUnsigned => "github_unsigned",
            Self::Incomplete { .. } => "incomplete",
            Self::Internal => "internal",
            Self::NoSuchPath => "no_such_path",
            Self::NotAnnounced => "not_announced",
            Self::Refused(refusal) | Self::Unauthorized(refusal) => refusal.label(),
            Self::SegmentDigest { .. } => "segment_digest",
            Self::SegmentLength { .. } => "segment_length",
            Self::SlowBody => "slow_body",
            Self::Store { label } => label,
            Self::Tokens(refusal) => refusal.cause,
            Self::TooLarge { .. } => "too_large",
            Self::TooManyConnections => "too_many_connections",
            Self::TooManyUploads => "too_many_uploads",
            Self::Undecodable(_) => "undecodable",
            Self::Unexpected => "precondition",
            Self::UnknownBundle { .. } => "unknown_bundle",
            Self::UnknownSegment => "unknown_segment",
            Self::UnknownVersion { .. } => "unknown_version",
            Self::Unsigned => "unsigned",
            Self::Untimely { .. } => "untimely_request",
            Self::NoBearer => "no_bearer",
            Self::NoTokens => "no_tokens",
            Self::NoUsage => "no_usage",
            Self::StaleCertificate => "certificate",
            Self::Usage(_) => "usage_report",
            Self::VersionTooLarge => "version_too_large",
            Self::WrongMethod => "wrong_method",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::BrokenBody
            | Self::FindingsMalformed { .. }
            | Self::SegmentDigest { .. }
            | Self::SegmentLength { .. }
            | Self::Undecodable(_)
            | Self::Usage(_) => StatusCode::BAD_REQUEST,
            Self::Tokens(refusal) => refusal.status,
            Self::NoBearer | Self::StaleCertificate | Self::Unsigned => StatusCode::UNAUTHORIZED,
            Self::GithubBadSignature
            | Self::GithubUnknownKey
            | Self::GithubUnsigned
            | Self::NotAnnounced
            | Self::Unauthorized(_)
            | Self::Untimely { .. } => StatusCode::FORBIDDEN,
            Self::Refused(refusal) => match refusal {
                Refusal::BadSignature | Refusal::UnknownSigner => StatusCode::FORBIDDEN,
                Refusal::BelowFloor { .. } | Refusal::OldVersion { .. } => StatusCode::CONFLICT,
                Refusal::EngineTooOld { .. }
                | Refusal::Expired { .. }
                | Refusal::WrongName { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            },
            Self::NoSuchPath
            | Self::NoTokens
            | Self::NoUsage
            | Self::UnknownBundle { .. }
            | Self::UnknownSegment
            | Self::UnknownVersion { .. } => StatusCode::NOT_FOUND,
            Self::Unexpected => StatusCode::PRECONDITION_FAILED,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::SlowBody => StatusCode::REQUEST_TIMEOUT,
            Self::BundleTooLarge { .. } | Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Incomplete { .. } | Self::VersionTooLarge => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Away
            | Self::Busy
            | Self::Closing
            | Self::TooManyConnections
            | Self::TooManyUploads => StatusCode::SERVICE_UNAVAILABLE,
            Self::FindingsFull | Self::Full => StatusCode::INSUFFICIENT_STORAGE,
            Self::Internal | Self::Store { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<PathRejection> for Problem {
    /// A name in the path that is not even text names nothing.
    fn from(_: PathRejection) -> Self {
        Self::NoSuchPath
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(cause = error.source(), "{error}");
        let label = match error {
            StoreError::Away(_) => return Self::Away,
            StoreError::Full(_) => return Self::Full,
            StoreError::Late | StoreError::Locked(_) | StoreError::Overloaded => return Self::Busy,
            StoreError::VersionTooLarge => return Self::VersionTooLarge,
            StoreError::Corrupt(_) => "database_corrupt",
            StoreError::Database(_) => "database",
        };
        Self::Store { label }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, cause) = (self.status(), self.cause());
        let body = Body {
            r#type: format!("urn:cedarkey:publisher:{cause}"),
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail: self.to_string(),
        };
        let mut response = (status, Json(body)).into_response();
        let problem = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, problem);
        response.extensions_mut().insert(Cause(cause));
        if status == StatusCode::UNAUTHORIZED {
            // RFC 9110, section 11.6.1.
            let scheme = if let Self::Unsigned = self { "Cedarkey" } else { "Bearer" };
            let scheme = HeaderValue::from_static(scheme);
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
