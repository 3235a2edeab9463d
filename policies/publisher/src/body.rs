//! Receiving a request body, which may be too large, never end, or come a byte at a time.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use cedarkey_bundle::{DecodeError, Envelope};
use http_body_util::BodyExt as _;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::Instant,
};

use crate::problem::Problem;

/// How many bytes a second a body has to have, once the time has passed that every one is given.
const RATE: usize = 4096;

/// How much of a body that is too large is read and thrown away, in multiples of the limit: a
/// client that is cut off while it sends sees a broken connection instead of the answer.
const DRAINED: usize = 16;

/// How much memory there is for envelopes whose signature is not known yet, in bytes: all bodies
/// together.
const ROOM: usize = 64 * 1024 * 1024;

/// What is looked at first of a body that begins with an envelope, in bytes.
const FIRST_LOOK: usize = 4096;

/// How bodies are received.
#[derive(Debug)]
pub(crate) struct Intake {
    patience: Duration,
    /// A permit for each byte.
    room: Semaphore,
}

/// A body that is being received.
pub(crate) struct Inflow<'a> {
    body: Body,
    intake: &'a Intake,
    began: Instant,
    received: usize,
    kept: Vec<u8>,
    /// For what is kept, until somebody vouches for it.
    room: Option<SemaphorePermit<'a>>,
}

// === impl Intake ===

impl Intake {
    /// Waits so long for the next part of a body.
    pub(crate) fn new(patience: Duration) -> Self {
        Self { patience, room: Semaphore::new(ROOM) }
    }

    /// Of one for whose length somebody has vouched.
    pub(crate) fn vouched(&self, body: Body) -> Inflow<'_> {
        let (began, received, kept) = (Instant::now(), 0, Vec::new());
        Inflow { body, intake: self, began, received, kept, room: None }
    }

    /// Of one that anybody may have sent. What is kept of all of these has a limit in common.
    pub(crate) fn unknown(&self, body: Body) -> Inflow<'_> {
        Inflow { room: self.room.try_acquire_many(0).ok(), ..self.vouched(body) }
    }
}

// === impl Inflow ===

impl Inflow<'_> {
    /// The whole body, of at most `limit` bytes.
    pub(crate) async fn whole(&mut self, limit: usize) -> Result<&[u8], Problem> {
        self.announced_within(limit).await?;
        while let Some(piece) = self.next().await? {
            if self.kept.len().saturating_add(piece.len()) > limit {
                return Err(self.too_large(limit).await);
            }
            self.keep(&piece)?;
        }
        Ok(&self.kept)
    }

    /// The envelope that the body begins with, as soon as it is there; the body has at most `limit`
    /// bytes.
    pub(crate) async fn envelope(&mut self, limit: usize) -> Result<Envelope, Problem> {
        self.announced_within(limit).await?;
        let most = limit.min(Envelope::MAX_BYTES);
        let mut look = FIRST_LOOK;
        loop {
            let mut ended = false;
            while !ended && self.kept.len() < look.min(most) {
                match self.next().await? {
                    Some(piece) => self.keep(&piece)?,
                    None => ended = true,
                }
            }
            match Envelope::decode(&self.kept) {
                Ok((envelope, _)) => return Ok(envelope),
                Err(DecodeError::Truncated { .. }) if !ended && self.kept.len() < most => {
                    // Twice as much each time, so that it is not decoded over and over.
                    look = look.saturating_mul(2);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Somebody vouches for the rest.
    pub(crate) fn vouch(&mut self) {
        self.room = None;
    }

    /// All that was kept.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.kept
    }

    /// Reads the rest and throws it away, of at most so many bytes in all, so that the client hears
    /// the answer.
    pub(crate) async fn drain(&mut self, most: usize) {
        self.kept = Vec::new();
        self.room = None;
        while self.received <= most && matches!(self.next().await, Ok(Some(_))) {}
    }

    async fn announced_within(&mut self, limit: usize) -> Result<(), Problem> {
        let rest = usize::try_from(self.body.size_hint().lower()).unwrap_or(usize::MAX);
        let announced = self.received.saturating_add(rest);
        if announced <= limit {
            return Ok(());
        }
        if announced > limit.saturating_mul(DRAINED) {
            return Err(Problem::TooLarge { limit });
        }
        Err(self.too_large(limit).await)
    }

    async fn too_large(&mut self, limit: usize) -> Problem {
        self.drain(limit.saturating_mul(DRAINED)).await;
        Problem::TooLarge { limit }
    }

    fn keep(&mut self, piece: &[u8]) -> Result<(), Problem> {
        if let Some(held) = &mut self.room {
            let bytes = u32::try_from(piece.len()).unwrap_or(u32::MAX);
            let more = self.intake.room.try_acquire_many(bytes);
            held.merge(more.map_err(|_| Problem::TooManyUploads)?);
        }
        self.kept.extend_from_slice(piece);
        Ok(())
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        let patience = self.intake.patience;
        loop {
            // What has come has earned time, so that one who sends a byte now and then does not
            // stay for ever.
            let earned = Duration::from_secs((self.received / RATE) as u64);
            let left = patience.saturating_add(earned).saturating_sub(self.began.elapsed());
            let frame = tokio::time::timeout(left.min(patience), self.body.frame());
            match frame.await.map_err(|_| Problem::SlowBody)? {
                None => return Ok(None),
                Some(Err(_)) => return Err(Problem::BrokenBody),
                // What is not data is trailers, which say nothing here.
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(piece) => {
                        self.received = self.received.saturating_add(piece.len());
                        return Ok(Some(piece));
                    }
                    Err(_) => continue,
                },
            }
        }
    }
}
