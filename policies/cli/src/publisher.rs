//! The client side of the publisher's protocol.

use crate::exit::Exit;
use crate::failure::{Context, Failure};
use jiff::SignedDuration;
use reqwest::{Client, Response, StatusCode, Url};
use serde::Deserialize;
use std::time::Duration;

/// How long a push may take in all, if nothing else is said.
pub const TIMEOUT: SignedDuration = SignedDuration::from_secs(60);

/// The most of an answer that is read: a publisher's answers are short.
const MAX_ANSWER: usize = 64 * 1024;

/// A publisher's answer to a push.
#[derive(Debug, Deserialize)]
pub struct Accepted {
    /// The bundle's name.
    pub name: String,
    /// The version that is now in force.
    pub version: u64,
}

/// A publisher's answer to a push that it refused (RFC 9457).
#[derive(Debug, Default, Deserialize)]
struct Problem {
    #[serde(default)]
    detail: String,
}

/// Sends a bundle.
///
/// # Errors
///
/// Where the publisher cannot be reached, does not answer in time, refuses, or is no publisher.
pub async fn push(
    base: &Url,
    name: &str,
    archive: Vec<u8>,
    timeout: SignedDuration,
) -> Result<Accepted, Failure> {
    let mut url = base.clone();
    // A publisher may live under a path.
    match url.path_segments_mut() {
        Ok(mut path) => path.pop_if_empty().extend(["v1", "bundles", name]),
        Err(()) => {
            let message = format!("`{base}` is not a publisher's address");
            return Err(
                Failure::new(Exit::Usage, message).help("it begins with http:// or https://")
            );
        }
    };
    let client = client(timeout)?;
    let request =
        client.put(url).header("content-type", "application/vnd.cedarkey.bundle").body(archive);
    let response = request.send().await.map_err(|error| unreachable(base, error))?;
    let status = response.status();
    let body = body(base, response).await?;
    if status.is_success() {
        return serde_json::from_slice(&body).map_err(|_| not_a_publisher(base, status));
    }
    let problem: Problem = serde_json::from_slice(&body).unwrap_or_default();
    if problem.detail.is_empty() {
        return Err(not_a_publisher(base, status));
    }
    Err(refused(base, status, &problem.detail))
}

fn client(timeout: SignedDuration) -> Result<Client, Failure> {
    let timeout = Duration::try_from(timeout)
        .context(Exit::Usage, "a publisher cannot be given less than no time")?;
    // A second installation is refused, and the first serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .timeout(timeout)
        .connect_timeout(Duration::from_secs(10))
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("cedarkey/", env!("CARGO_PKG_VERSION")))
        .build()
        .context(Exit::Failure, "cannot set up the HTTP client")
}

async fn body(base: &Url, mut response: Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(base, error))? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_ANSWER {
            return Err(not_a_publisher(base, response.status()));
        }
    }
    Ok(body)
}

fn unreachable(base: &Url, error: reqwest::Error) -> Failure {
    let message = if error.is_timeout() {
        format!("the publisher at `{base}` did not answer in time")
    } else if error.is_connect() {
        format!("no publisher can be reached at `{base}`")
    } else {
        format!("the exchange with the publisher at `{base}` broke off")
    };
    Failure::because(Exit::Publisher, message, error.without_url())
        .help("is the publisher running? `cedarkey serve` starts one")
}

fn not_a_publisher(base: &Url, status: StatusCode) -> Failure {
    let message = format!("what answers at `{base}` is not a publisher: it said {status}");
    Failure::new(Exit::Publisher, message).help("check the address: host, port and path")
}

fn refused(base: &Url, status: StatusCode, detail: &str) -> Failure {
    let message = format!("the publisher at `{base}` refused the bundle: {detail}");
    let failure = Failure::new(Exit::Publisher, message);
    match status {
        StatusCode::FORBIDDEN => failure.help(
            "start the publisher with `--trusted` and this project's public key, or sign with a key it trusts",
        ),
        StatusCode::CONFLICT => {
            failure.help("build anew: a bundle's version must be higher than the last")
        }
        _ => failure,
    }
}
