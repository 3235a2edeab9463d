//! Reading a request body that may be too large or never end.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use http_body_util::BodyExt as _;

use crate::problem::Problem;

/// How long the next piece of a body may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How much of a body that is too large is read and thrown away, in multiples of the limit: a
/// client that is cut off while it sends sees a broken connection instead of the answer.
const DRAINED: usize = 16;

/// The whole body, of at most `limit` bytes.
pub(crate) async fn read(mut body: Body, limit: usize) -> Result<Vec<u8>, Problem> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let drained = limit.saturating_mul(DRAINED);
    let mut bytes = Vec::new();
    let mut excess = announced > limit;
    let mut total: usize = 0;
    while announced.max(total) <= drained {
        let Some(piece) = next(&mut body).await? else { break };
        total = total.saturating_add(piece.len());
        excess |= total > limit;
        if excess {
            bytes = Vec::new();
        } else {
            bytes.extend_from_slice(&piece);
        }
    }
    if excess { Err(Problem::TooLarge { limit }) } else { Ok(bytes) }
}

async fn next(body: &mut Body) -> Result<Option<Bytes>, Problem> {
    loop {
        let frame = tokio::time::timeout(PATIENCE, body.frame());
        match frame.await.map_err(|_| Problem::SlowBody)? {
            None => return Ok(None),
            Some(Err(_)) => return Err(Problem::BrokenBody),
            // What is not data is trailers, which say nothing here.
            Some(Ok(frame)) => match frame.into_data() {
                Ok(piece) => return Ok(Some(piece)),
                Err(_) => continue,
            },
        }
    }
}
