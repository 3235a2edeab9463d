//! Publishers that are killed, or lose their disk.

use crate::project::{Project, Result};
use crate::server::Server;
use rustix::process::Signal;
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

/// The versions that it keeps.
fn versions(project: &Project, url: &str) -> Result<Vec<u64>> {
    let said = project.json(&["versions", "--publisher", url])?;
    let listed = said.pointer("/versions").and_then(Value::as_array).cloned().unwrap_or_default();
    Ok(listed.iter().filter_map(|entry| entry.get("version")?.as_u64()).collect())
}

/// A push of which so many bytes are sent; the connection stays open.
fn begin(server: &Server, archive: &[u8], sent: usize) -> Result<TcpStream> {
    let address = server.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address)?;
    let length = archive.len();
    write!(stream, "PUT /v1/bundles/shop HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n")?;
    stream.write_all(archive.get(..sent).unwrap_or_default())?;
    stream.flush()?;
    Ok(stream)
}

#[test]
fn killed_in_the_middle_of_a_push_it_has_what_it_had() -> Result {
    let project = Project::new()?;
    let server = Server::start(&project)?;
    let first = server.push(&project)?;
    project.run(&["build", "-o", "next.ckb"])?.success()?;
    let archive = fs::read(project.path("next.ckb"))?;
    let half = begin(&server, &archive, archive.len() / 2)?;
    // It answers others meanwhile; what was sent has surely been read in part.
    assert_eq!(versions(&project, &server.url)?, [first]);
    server.kill();
    drop(half);

    let server = Server::start(&project)?;
    assert_eq!(versions(&project, &server.url)?, [first]);
    // What was answered with 201 outlives the next kill, and what was cut off can be sent again.
    project.run(&["push", "next.ckb", "--to", &server.url])?.success()?;
    let url = server.url.clone();
    let before = versions(&project, &url)?;
    assert_eq!(before.len(), 2);
    server.kill();
    let server = Server::start(&project)?;
    assert_eq!(versions(&project, &server.url)?, before);
    server.stop(Signal::TERM)?;
    Ok(())
}

#[test]
fn whole_pushes_that_are_cut_off_by_a_kill_are_there_or_not() -> Result {
    let project = Project::new()?;
    let mut known = Vec::new();
    for _ in 0..5 {
        let server = Server::start(&project)?;
        project.run(&["build", "-o", "next.ckb"])?.success()?;
        let archive = fs::read(project.path("next.ckb"))?;
        let version = cedarkey_bundle::Archive::decode(&archive)?.envelope.manifest().version;
        let mut stream = begin(&server, &archive, archive.len())?;
        // Whether the answer comes before the end is left to chance.
        server.kill();
        let mut answer = String::new();
        // It may end by a reset.
        let _ = stream.read_to_string(&mut answer);
        let server = Server::start(&project)?;
        let there = project.run(&["versions", "--publisher", &server.url, "--format", "json"])?;
        let now = if there.status == Some(0) { versions(&project, &server.url)? } else { vec![] };
        if answer.starts_with("HTTP/1.1 201") {
            assert!(now.contains(&version), "{version} is lost: {now:?}");
        }
        // Nothing else has come or gone, and what is there is whole.
        let others: Vec<_> = now.iter().copied().filter(|other| *other != version).collect();
        assert_eq!(others, known);
        if !now.is_empty() {
            let archive = server.download("shop")?;
            cedarkey_bundle::Archive::decode(&archive)?;
        }
        known = now;
        server.stop(Signal::TERM)?;
    }
    Ok(())
}

#[test]
fn with_an_empty_disk_it_takes_the_next_push() -> Result {
    let project = Project::new()?;
    let server = Server::start(&project)?;
    let first = server.push(&project)?;
    server.kill();
    for name in ["publisher.db", "publisher.db-wal", "publisher.db-shm"] {
        // Some of them are there.
        let _ = fs::remove_file(project.path(name));
    }
    let server = Server::start(&project)?;
    let said = project.run(&["versions", "--publisher", &server.url])?;
    assert_eq!(said.status, Some(8), "{}", said.stderr);
    let second = server.push(&project)?;
    assert!(second > first, "proxies would not take it");
    assert_eq!(versions(&project, &server.url)?, [second]);
    server.stop(Signal::TERM)?;
    Ok(())
}
