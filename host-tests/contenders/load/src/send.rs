//! Sending.

use crate::plan::Plan;
use crate::result::{Count, Outcome};
use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::task;

type Ask = Request<Empty<Bytes>>;

/// A request, and the status that it must be answered with.
type Prepared = (Ask, u16);

/// One that requests are sent on, one after the other.
enum Line {
    Http1(http1::SendRequest<Empty<Bytes>>),
    Http2(http2::SendRequest<Empty<Bytes>>),
}

/// Sends all that a plan says.
pub async fn run(plan: Plan) -> anyhow::Result<Outcome> {
    let mix: Vec<Prepared> = plan
        .mix
        .iter()
        .map(|ask| Ok((ask.request(&plan)?, ask.status)))
        .collect::<anyhow::Result<_>>()?;
    anyhow::ensure!(!mix.is_empty(), "there is nothing to send");
    let mix = Rc::new(mix);
    let mut lines = Vec::new();
    for _ in 0..plan.connections {
        lines.extend(connect(&plan).await?);
    }
    let count = Rc::new(RefCell::new(Count::new(plan.requests)?));
    let begun = Instant::now();
    let end = begun + Duration::try_from_secs_f64(plan.seconds)?;
    let workers: Vec<_> = lines
        .into_iter()
        .map(|line| task::spawn_local(work(line, Rc::clone(&mix), Rc::clone(&count), end)))
        .collect();
    for worker in workers {
        worker.await??;
    }
    let seconds = begun.elapsed().as_secs_f64();
    let count = Rc::into_inner(count).context("somebody still counts")?;
    Ok(count.into_inner().finish(seconds))
}

async fn work(
    mut line: Line,
    mix: Rc<Vec<Prepared>>,
    count: Rc<RefCell<Count>>,
    end: Instant,
) -> anyhow::Result<()> {
    loop {
        let now = Instant::now();
        let at = {
            let mut count = count.borrow_mut();
            if count.left == 0 || now >= end {
                return Ok(());
            }
            count.left -= 1;
            let at = count.next;
            count.next = (at + 1) % mix.len();
            at
        };
        let Some((request, status)) = mix.get(at) else { continue };
        let response = line.send(request.clone()).await?;
        let given = response.status().as_u16();
        response.into_body().collect().await?;
        let took = u64::try_from(now.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let wrong = (given != *status).then(|| {
            format!("{} {}: {given} instead of {status}", request.method(), request.uri())
        });
        count.borrow_mut().answered(took, wrong);
    }
}

/// A connection, with as many lines as it has streams.
async fn connect(plan: &Plan) -> anyhow::Result<Vec<Line>> {
    let stream = TcpStream::connect(plan.address).await.context("the proxy")?;
    stream.set_nodelay(true)?;
    if plan.http2 {
        let (sender, connection) =
            http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        task::spawn(connection);
        return Ok((0..plan.streams.max(1)).map(|_| Line::Http2(sender.clone())).collect());
    }
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    task::spawn(connection);
    Ok(vec![Line::Http1(sender)])
}

// === impl Line ===

impl Line {
    async fn send(&mut self, request: Ask) -> hyper::Result<Response<Incoming>> {
        match self {
            Self::Http1(sender) => {
                sender.ready().await?;
                sender.send_request(request).await
            }
            Self::Http2(sender) => {
                sender.ready().await?;
                sender.send_request(request).await
            }
        }
    }
}
