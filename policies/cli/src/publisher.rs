//! The client side of the publisher's protocol.

mod answer;
mod findings;
mod fleet;
mod push;
mod read;
mod usage;

use crate::exit::Exit;
use crate::failure::{Context, Failure};
use answer::{Answer, body};
use jiff::SignedDuration;
use reqwest::header::ETAG;
use reqwest::{Client, RequestBuilder, Url};
use std::time::Duration;

pub use answer::Rejection;
pub use findings::{Found, Known};
pub use fleet::{Fleet, Proxy, State};
pub use push::Pushed;
pub use read::InForce;

/// How long a push may take in all, if nothing else is said.
pub const TIMEOUT: SignedDuration = SignedDuration::from_secs(60);

/// A publisher somewhere.
#[derive(Debug)]
pub struct Publisher {
    base: Url,
    client: Client,
    timeout: Duration,
}

// === impl Publisher ===

impl Publisher {
    /// The publisher at an address, and how long anything asked of it may take.
    ///
    /// # Errors
    ///
    /// The address is none of a publisher.
    pub fn new(base: &Url, timeout: SignedDuration) -> Result<Self, Failure> {
        if base.cannot_be_a_base() {
            let message = format!("`{base}` is not a publisher's address");
            let help = "it begins with http:// or https://";
            return Err(Failure::new(Exit::Usage, message).help(help));
        }
        let timeout = Duration::try_from(timeout)
            .context(Exit::Usage, "a publisher cannot be given less than no time")?;
        // A second installation is refused, and the first serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .timeout(timeout)
            .connect_timeout(Duration::from_secs(10))
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("cedarkey/", env!("CARGO_PKG_VERSION")))
            .build()
            .context(Exit::Failure, "cannot set up the HTTP client")?;
        Ok(Self { base: base.clone(), client, timeout })
    }

    /// A path on it, which may live under a path itself.
    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        // Every address that this type is made for has a path.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v1").extend(path);
        }
        url
    }

    /// What is answered to a request that is not refused.
    async fn ask(&self, request: RequestBuilder) -> Result<Answer, Rejection> {
        self.ask_for(request, answer::MAX_ANSWER).await
    }

    /// As [`ask`](Self::ask), with an answer of at most `limit` bytes.
    async fn ask_for(&self, request: RequestBuilder, limit: usize) -> Result<Answer, Rejection> {
        let answered = request.send().await;
        let answered = answered.map_err(|error| answer::unreachable(&self.base, error))?;
        let status = answered.status();
        let etag = answered.headers().get(ETAG).cloned();
        let body = body(&self.base, answered, limit.max(answer::MAX_ANSWER)).await?;
        if status.is_success() {
            return Ok(Answer { status, etag, body });
        }
        Err(answer::rejection(&self.base, status, &body))
    }

    /// What a task gives, if it ends in time.
    async fn in_time<T>(
        &self,
        task: impl Future<Output = Result<T, Rejection>>,
    ) -> Result<T, Rejection> {
        let late = |_| answer::late(&self.base);
        tokio::time::timeout(self.timeout, task).await.map_err(late)?
    }
}
