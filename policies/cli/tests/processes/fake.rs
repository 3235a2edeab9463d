//! A server that is no publisher, or not a good one.

use crate::project::Result;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

/// Answers one request, always the same.
pub struct Fake {
    pub address: SocketAddr,
    server: JoinHandle<()>,
}

/// What it does with a request.
pub enum Manners {
    /// It answers with this head and body.
    Answers(&'static str),
    /// It hangs up.
    HangsUp,
    /// It says nothing until the other side gives up.
    Waits,
}

impl Fake {
    pub fn start(manners: Manners) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let server = thread::spawn(move || {
            let Ok((stream, _)) = listener.accept() else { return };
            // A client that is gone already is as good.
            let _ = answer(stream, &manners);
        });
        Ok(Self { address, server })
    }

    /// Waits until it has answered.
    pub fn end(self) {
        assert!(self.server.join().is_ok(), "the server failed");
    }
}

fn answer(mut stream: TcpStream, manners: &Manners) -> std::io::Result<()> {
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    while !is_whole(&seen) {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        seen.extend(buffer.iter().take(read));
    }
    match manners {
        Manners::Answers(answer) => stream.write_all(answer.as_bytes()),
        Manners::HangsUp => Ok(()),
        Manners::Waits => stream.read(&mut buffer).map(drop),
    }
}

/// Whether a request has come with all of its body.
fn is_whole(request: &[u8]) -> bool {
    let Some(end) = request.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(request.get(..end).unwrap_or_default()).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length.and_then(|length| length.trim().parse().ok()).unwrap_or_default();
    request.len() >= end.saturating_add(4).saturating_add(length)
}
