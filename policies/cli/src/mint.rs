//! `POST /v1/tokens`: keys of minutes for workloads that prove who they are.
//!
//! ```text
//! proof ─> identity ─> queue ─> clerk: workload, team, limits, policies ─> registry ─┐
//!                                      one bundle for all who wait ─> publisher ─────┴─> tokens
//! ```

mod clerk;
mod order;
mod refusal;
mod release;

use crate::failure::Failure;
use cedarkey_identity::{Identities, Identity};
use cedarkey_publisher::{Minting, Proof, TokenRefusal, Tokens};
use clerk::Clerk;
use order::Order;
use refusal::Refusal;
use release::Unpublished;
use serde_json::Value;
use std::time::Duration;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

pub use clerk::Office;

/// Where workloads ask for keys.
#[derive(Debug)]
pub struct Desk {
    identities: Identities,
    queue: mpsc::Sender<Request>,
}

/// Somebody who waits for a key.
#[derive(Debug)]
struct Request {
    order: Order,
    answer: Answer,
}

/// Where somebody waits.
type Answer = oneshot::Sender<Result<Value, Refusal>>;

/// How many may wait. A build takes less than a second for most projects, and serves all of them.
const QUEUE: usize = 1000;

/// How long anybody waits: a bundle of many keys takes seconds, and whoever signs may be slow.
const PATIENCE: Duration = Duration::from_secs(60);

// === impl Desk ===

impl Desk {
    /// Opens it. It is called within a runtime of tokio, where it works from then on.
    ///
    /// # Errors
    ///
    /// Where the project says nothing of minting, or what it says cannot be.
    pub async fn open(office: Office) -> Result<Self, Failure> {
        let (clerk, identities) = Clerk::new(office).await?;
        let (queue, requests) = mpsc::channel(QUEUE);
        tokio::spawn(clerk.work(requests));
        Ok(Self { identities, queue })
    }

    async fn ask(&self, proof: &Proof, body: &[u8]) -> Result<Value, TokenRefusal> {
        let (bearer, certificate) = (proof.bearer.as_deref(), proof.certificate.as_deref());
        let identity = match self.identities.prove(bearer, certificate).await {
            Ok(identity) => identity,
            Err(error) => return Err(refuse(None, error.into())),
        };
        let spiffe_id = identity.spiffe_id.to_string();
        let answer = self.queue(identity, body).await;
        answer.map_err(|refusal| refuse(Some(&spiffe_id), refusal))
    }

    async fn queue(&self, identity: Identity, body: &[u8]) -> Result<Value, Refusal> {
        let order = Order::read(identity, body)?;
        let (answer, answered) = oneshot::channel();
        self.queue.try_send(Request { order, answer }).map_err(|error| match error {
            TrySendError::Full(_) => Refusal::Busy,
            TrySendError::Closed(_) => Unpublished::Away.into(),
        })?;
        match tokio::time::timeout(PATIENCE, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Unpublished::Away.into()),
            // Its key is taken back when it is there.
            Err(_) => Err(Refusal::Late),
        }
    }
}

/// Writes to the log that somebody is given no key.
fn refuse(spiffe_id: Option<&str>, refusal: Refusal) -> TokenRefusal {
    let refusal = TokenRefusal::from(refusal);
    // What is told may be by whoever asks.
    tracing::warn!(cause = refusal.cause, spiffe_id, detail = ?refusal.detail, "no key was minted");
    refusal
}

impl Tokens for Desk {
    fn mint(&self, proof: Proof, body: Vec<u8>) -> Minting<'_> {
        Box::pin(async move { self.ask(&proof, &body).await })
    }
}
