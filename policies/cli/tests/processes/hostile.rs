//! A publisher and those who would fill its memory.

use crate::project::{Project, Result};
use crate::server::Server;
use cedarkey_bundle::{Digest, Draft, SegmentKind, SigningKey};
use rustix::process::Signal;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

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
