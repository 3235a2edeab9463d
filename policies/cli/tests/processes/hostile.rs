//! A publisher and those who would fill its memory.

use crate::project::{Project, Result};
use crate::server::Server;
use cedarkey_bundle::{Digest, Draft, SegmentKind, SigningKey};
use rustix::process::Signal;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How many push at the same time.
const STRANGERS: usize = 12;

/// How much each of them sends, in bytes.
const EACH: usize = 32 * 1024 * 1024;

/// Pushes an archive, and gives the answer.
fn push(server: &str, archive: &[u8]) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(server.trim_start_matches("http://"))?;
    let length = archive.len();
    write!(stream, "PUT /v1/bundles/shop HTTP/1.1\r\nhost: x\r\nconnection: close\r\n")?;
    write!(stream, "content-length: {length}\r\n\r\n")?;
    stream.write_all(archive)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Who goes on sending what was refused fills no memory with it.
#[test]
fn a_body_that_was_refused_is_not_kept() -> Result {
    const CONNECTIONS: u64 = 300;
    let project = Project::new()?;
    let server = Server::start(&project)?;
    let address = server.url.strip_prefix("http://").ok_or("no address")?;
    let head = format!(
        "PUT /v1/segments/{} HTTP/1.1\r\nhost: x\r\ncontent-length: 60000000\r\n\r\n",
        "a".repeat(64)
    );
    let before = server.peak_memory()?;
    let mut streams = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(head.as_bytes())?;
        stream.set_nonblocking(true)?;
        streams.push(stream);
    }
    let body = vec![0; 400 * 1024];
    for _ in 0..5 {
        // There is no answer to wait for: what it has room for it takes meanwhile.
        thread::sleep(Duration::from_millis(100));
        for stream in &mut streams {
            // It takes as much as there is room for, or is closed.
            let _ = stream.write(&body);
        }
    }
    // What was sent last is to be there too, if it is kept.
    thread::sleep(Duration::from_millis(100));
    let more = server.peak_memory()?.saturating_sub(before);
    assert!(more < CONNECTIONS * 64 * 1024, "{more} bytes");
    drop(streams);
    server.stop(Signal::TERM)?;
    Ok(())
}

#[test]
fn strangers_get_no_memory() -> Result {
    let project = Project::new()?;
    let server = Server::start(&project)?;
    project.run(&["push", "--to", &server.url])?.success()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let now = i64::try_from(now)?;
    let content = vec![7; EACH];
    let digest = Digest::of(&content);
    let draft = Draft {
        name: "shop".into(),
        version: u64::from(u32::MAX),
        created: now,
        expires: now.saturating_add(3600),
        segments: vec![(SegmentKind::Model, content)],
    };
    let archive = draft.sign(&[&SigningKey::from_seed([9; 32])])?;
    assert_eq!(archive.envelope.manifest().segments.first().map(|it| it.digest), Some(digest));
    let archive = archive.encode();
    let before = server.peak_memory()?;
    let answers: Vec<_> = thread::scope(|scope| {
        let strangers = (0..STRANGERS).map(|_| scope.spawn(|| push(&server.url, &archive)));
        let strangers: Vec<_> = strangers.collect();
        strangers.into_iter().map(|stranger| stranger.join().map_err(|_| "panicked")).collect()
    });
    for answer in answers {
        let answer = answer??;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
        assert!(answer.contains("urn:cedarkey:publisher:unknown_signer"), "{answer}");
    }
    let more = server.peak_memory()?.saturating_sub(before);
    // Of all together less than what one of them sent.
    assert!(more < EACH as u64, "{more} bytes");
    server.stop(Signal::TERM)?;
    Ok(())
}
