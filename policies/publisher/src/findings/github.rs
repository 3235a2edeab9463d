//! `POST /v1/findings/{name}/github`: what GitHub's secret scanning has found, in the form of its
//! partner programme.

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, HeaderName},
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use cedarkey_bundle::Digest;
use cedarkey_engine::token::{Token, TokenError};
use serde::{Deserialize, Serialize};

use super::{Delivered, Delivery, Finding, keys::Unsigned};
use crate::{Shared, clock::now, problem::Problem};

/// The largest body that is taken, in bytes: some thousands of findings.
const MAX_BODY: usize = 1024 * 1024;

/// The longest address that is kept whole, in bytes.
const MAX_URL: usize = 2048;

/// The longest word of GitHub's that is kept whole, in bytes.
const MAX_WORD: usize = 128;

const IDENTIFIER: &str = "github-public-key-identifier";
const SIGNATURE: &str = "github-public-key-signature";

/// Whether it was delivered before: `new` or `known`.
const DELIVERY: HeaderName = HeaderName::from_static("x-cedarkey-delivery");

/// A token that was found. What GitHub may add some day is ignored.
#[derive(Deserialize)]
struct Match {
    token: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    source: Option<String>,
}

/// What GitHub may be told of a token.
#[derive(Serialize)]
struct Label {
    token_hash: String,
    token_type: String,
    label: &'static str,
}

pub(crate) async fn post(
    State(shared): State<Arc<Shared>>,
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let Path(name) = name?;
    let received = receive(&shared, &name, &headers, body).await;
    let (delivery, labels) = received.inspect_err(|problem| refused(&name, problem))?;
    // A task of its own: GitHub may not wait for the answer, and what is stored has to be told.
    let stored = tokio::spawn(Arc::clone(&shared).take_in(delivery, labels.len()));
    let delivered = stored.await.unwrap_or(Err(Problem::Internal));
    let delivered = delivered.inspect_err(|problem| refused(&name, problem))?;
    Ok(([(DELIVERY, delivered)], Json(labels)).into_response())
}

fn refused(name: &str, problem: &Problem) {
    tracing::warn!(bundle = name, cause = problem.cause(), %problem, "findings refused");
}

/// What was found, and what GitHub is told at once.
async fn receive(
    shared: &Shared,
    name: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<(Delivery, Vec<Label>), Problem> {
    let findings = shared.findings.as_ref().ok_or(Problem::NoSuchPath)?;
    shared.require(name).await?;
    let text = |name| headers.get(name)?.to_str().ok();
    let (identifier, signature) =
        text(IDENTIFIER).zip(text(SIGNATURE)).ok_or(Problem::GithubUnsigned)?;
    let signature = STANDARD.decode(signature.trim()).map_err(|_| Problem::GithubBadSignature)?;
    let mut inflow = shared.intake.unknown(body);
    let body = inflow.whole(MAX_BODY).await?;
    findings.github.verify(identifier.trim(), &signature, body).map_err(
        |unsigned| match unsigned {
            Unsigned::BadSignature => Problem::GithubBadSignature,
            Unsigned::UnknownKey => Problem::GithubUnknownKey,
        },
    )?;
    let matches: Vec<Match> = serde_json::from_slice(body).map_err(|error| {
        // Not what it says itself, which may be a token.
        Problem::FindingsMalformed { line: error.line(), column: error.column() }
    })?;
    let labels = matches.iter().filter_map(Match::label).collect();
    let digest = Digest::of(body);
    let findings = matches.into_iter().filter_map(Match::finding).collect();
    Ok((Delivery { bundle: name.into(), digest, findings }, labels))
}

// === impl Match ===

impl Match {
    /// Of what only looks like a token it is known that it is none: its checksum is wrong. Whether a
    /// token was ever issued, the publisher does not know.
    fn label(&self) -> Option<Label> {
        let is_false = matches!(Token::parse(&self.token), Err(TokenError::Checksum));
        is_false.then(|| Label {
            token_hash: Digest::of(self.token.as_bytes()).to_string(),
            token_type: self.kind.clone(),
            label: "false_positive",
        })
    }

    /// What is kept of it. The token itself ends here; nothing is no token.
    fn finding(self) -> Option<Finding> {
        let token = Some(self.token.trim()).filter(|token| !token.is_empty())?;
        Some(Finding {
            hash: Digest::of(token.as_bytes()).to_string(),
            kind: kept(&self.kind, token, MAX_WORD),
            url: kept(&self.url.unwrap_or_default(), token, MAX_URL),
            source: kept(&self.source.unwrap_or_default(), token, MAX_WORD),
        })
    }
}

/// A text of one line and at most so many bytes, without the token, which may be a part of a name, and
/// without any other word that is a token.
fn kept(text: &str, token: &str, limit: usize) -> String {
    let mut text = text.to_owned();
    text.retain(|letter| !letter.is_control());
    let text = text.replace(token, "***");
    let is_end = |letter: char| !letter.is_ascii_alphanumeric() && letter != '_';
    let mut kept = String::with_capacity(text.len());
    for word in text.split_inclusive(is_end) {
        let body = word.trim_end_matches(is_end);
        match word.strip_prefix(body) {
            Some(end) if Token::parse(body).is_ok() => kept.extend(["***", end]),
            _ => kept.push_str(word),
        }
    }
    kept.truncate(kept.floor_char_boundary(limit));
    kept
}

// === impl Shared ===

impl Shared {
    /// Stores what was found, and wakes those who wait for it. Gives `new`, or `known` where it was
    /// delivered before.
    async fn take_in(
        self: Arc<Self>,
        delivery: Delivery,
        false_positives: usize,
    ) -> Result<&'static str, Problem> {
        let metrics = &self.metrics;
        let delivered = match self.store.put_findings(&delivery, now()).await? {
            Delivered::Full => return Err(Problem::FindingsFull),
            Delivered::Known => "known",
            Delivered::New { stored } => {
                metrics.findings("stored").inc_by(stored);
                let all = u64::try_from(delivery.findings.len()).unwrap_or(u64::MAX);
                metrics.findings("known").inc_by(all.saturating_sub(stored));
                let false_positives = u64::try_from(false_positives).unwrap_or(u64::MAX);
                metrics.findings("false_positive").inc_by(false_positives);
                tracing::info!(
                    bundle = delivery.bundle,
                    findings = all,
                    stored,
                    "tokens were found"
                );
                if let Some(findings) = &self.findings {
                    findings.arrived.send_replace(());
                }
                "new"
            }
        };
        metrics.deliveries(delivered).inc();
        Ok(delivered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cedarkey_engine::token::mint;

    #[test]
    fn what_is_kept_is_one_line_and_short() {
        let other = mint("ck", "test", || 0).unwrap();
        // Nor is one put together by what is taken out.
        let url = format!("https://example.com/t\u{1}0/{other}?{other}x");
        let expected = format!("https://example.com/***/***?{other}x");
        assert_eq!(kept(&url, "t0", 200), expected);
        assert_eq!(kept("https://example.com/\n\u{1b}x", "t0", 100), "https://example.com/x");
        assert_eq!(kept("aé", "t0", 2), "a");
        assert_eq!(kept("aé", "t0", 3), "aé");
    }

    #[test]
    fn a_token_in_a_name_is_not_kept() {
        let found = |token: &str, url: &str| {
            let (kind, url) = ("t0".into(), Some(url.into()));
            Match { token: token.into(), kind, url, source: None }.finding()
        };
        let kept = found(" t0\n", "https://example.com/t0/at0").unwrap();
        assert_eq!((&*kept.url, &*kept.kind), ("https://example.com/***/a***", "***"));
        assert_eq!(kept.hash, Digest::of(b"t0").to_string());
        assert_eq!(found(" ", "https://example.com/"), None);
    }
}
