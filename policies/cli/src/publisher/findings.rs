//! Leaked tokens that a publisher was told of.

use super::Publisher;
use super::answer::Rejection;
use crate::failure::Failure;
use crate::signing::Signers;
use cedarkey_bundle::{Demand, Digest};
use cedarkey_engine::token::KeyHash;
use jiff::Timestamp;
use reqwest::header::AUTHORIZATION;
use serde::{Deserialize, Deserializer};
use serde_json::json;
use std::time::Duration;

/// Those that nobody has answered.
#[derive(Debug, Deserialize)]
pub struct Known {
    /// The oldest of them.
    pub findings: Vec<Found>,
    /// Whether there are others.
    pub more: bool,
}

/// A leaked token.
#[derive(Debug, Deserialize)]
pub struct Found {
    /// By what it is answered.
    pub id: i64,
    /// SHA-256 of the token.
    #[serde(deserialize_with = "hash")]
    pub hash: KeyHash,
    /// What the scanner takes it for.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where it is; may be empty.
    pub url: String,
    /// In what it was found; may be empty.
    pub source: String,
}

fn hash<'de, D: Deserializer<'de>>(deserializer: D) -> Result<KeyHash, D::Error> {
    let text = String::deserialize(deserializer)?;
    let digest: Digest = text.parse().map_err(serde::de::Error::custom)?;
    Ok(KeyHash(digest.0))
}

// === impl Publisher ===

impl Publisher {
    /// What was found of a bundle's tokens, as soon as there is anything, or after so long.
    ///
    /// # Errors
    ///
    /// Where the publisher cannot be reached, does not answer in time, refuses, or is no publisher.
    pub async fn findings(
        &self,
        name: &str,
        signers: &Signers,
        wait: Duration,
    ) -> Result<Known, Failure> {
        let authorization = authorization(signers, "findings", name, b"").await?;
        let get = self.client.get(self.url(&["findings", name]));
        let get = get.header(AUTHORIZATION, authorization);
        let answer = self.ask(get.header("prefer", format!("wait={}", wait.as_secs()))).await;
        answer.map_err(off)?.parse(&self.base)
    }

    /// Says that findings were answered.
    ///
    /// # Errors
    ///
    /// As [`findings`](Self::findings).
    pub async fn answered(
        &self,
        name: &str,
        signers: &Signers,
        findings: &[Found],
    ) -> Result<(), Failure> {
        let ids: Vec<i64> = findings.iter().map(|found| found.id).collect();
        let body = json!({ "ids": ids }).to_string();
        let authorization = authorization(signers, "answered", name, body.as_bytes()).await?;
        let post = self.client.post(self.url(&["findings", name, "answered"]));
        self.ask(post.header(AUTHORIZATION, authorization).body(body)).await?;
        Ok(())
    }
}

/// The value of the header by which a publisher knows who asks.
async fn authorization(
    signers: &Signers,
    what: &str,
    name: &str,
    body: &[u8],
) -> Result<String, Failure> {
    let at = Timestamp::now().as_second();
    let (what, bundle) = (what.into(), name.into());
    let demand = Demand { what, bundle, at, body: Digest::of(body) };
    Ok(signers.sign_demand(&demand).await?.to_header())
}

/// Where there is no such path, there are no findings.
fn off(rejection: Rejection) -> Failure {
    match rejection {
        Rejection::NoSuchPath(failure) => failure
            .help("start the publisher with `--github-keys`, so that it takes what GitHub finds"),
        other => other.into(),
    }
}
