//! Publishers that fail in every way they can: the last good bundle stays in force, and the next
//! good one comes into force once it can be had.

use crate::bulk::template;
use cedarkey_bundle::Archive;
use cedarkey_host_kit::bulk::{Keys, Template};
use cedarkey_host_kit::deployment::{Deployment, Result, request, start};
use cedarkey_host_kit::envoy::Envoy;
use cedarkey_host_kit::source::Source;
use cedarkey_host_kit::wait;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Longer than the filter waits for anything.
const LIMIT: Duration = Duration::from_secs(60);

/// What a publisher does with a connection: it is given the path, and answers itself, or lets the
/// good publisher do it.
type Fault = fn(&str, &mut TcpStream) -> bool;

/// A way to a good publisher on which things go wrong.
struct Way {
    address: SocketAddr,
    fault: Arc<Mutex<Option<Fault>>>,
}

impl Way {
    fn to(good: SocketAddr, fault: Fault) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let fault = Arc::new(Mutex::new(Some(fault)));
        let shared = Arc::downgrade(&fault);
        thread::spawn(move || {
            for stream in listener.incoming() {
                // The test is over.
                let Some(fault) = shared.upgrade() else { break };
                let fault = *fault.lock().unwrap_or_else(PoisonError::into_inner);
                let Ok(stream) = stream else { continue };
                thread::spawn(move || serve(stream, good, fault));
            }
        });
        Ok(Self { address, fault })
    }

    /// Nothing goes wrong any more.
    fn mend(&self) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        self.fault = Arc::default();
        // So that the listener notices.
        let _ = TcpStream::connect(self.address);
    }
}

/// One request on one connection, so that each request meets the fault of its time.
fn serve(mut stream: TcpStream, good: SocketAddr, fault: Option<Fault>) -> Option<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.extend_from_slice(&byte);
    }
    let head = String::from_utf8(head).ok()?;
    let path = head.split(' ').nth(1)?.to_owned();
    if fault.is_some_and(|fault| fault(&path, &mut stream)) {
        return None;
    }
    let mut upstream = TcpStream::connect(good).ok()?;
    let head = head.replacen("\r\n", "\r\nconnection: close\r\n", 1);
    upstream.write_all(head.as_bytes()).ok()?;
    std::io::copy(&mut upstream, &mut stream).ok()?;
    None
}

fn say(stream: &mut TcpStream, head: &str, body: &[u8]) -> bool {
    let length = body.len();
    let head = format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
    true
}

fn bundle(template: &Template, version: u64) -> Result<Archive> {
    template.bundle(version, &Keys { count: 8_000, kind: &|_| 0, revoked: &[version] })
}

/// An Envoy with version 1 as its seed.
fn seeded(deployment: &Deployment, template: &Template, publisher: SocketAddr) -> Result<Envoy> {
    let seed = deployment.file("seed.ckb");
    std::fs::write(&seed, bundle(template, 1)?.encode())?;
    let (seed, publisher) = (seed.to_string_lossy(), publisher.to_string());
    let config = deployment.render(&["--seed", &seed, "--publisher", &publisher])?;
    let quick = |config: String, quote: &str| {
        let from = format!("{quote}authority{quote}");
        config.replace(&from, &format!("{quote}wait_seconds{quote}:1,{from}"))
    };
    let config = template.configure(&config);
    let config = if config.contains(r#"\"authority\""#) {
        quick(config, r#"\""#)
    } else {
        quick(config, "\"")
    };
    start(&config)
}

/// The key that each version revokes is the one of its number.
fn decides_as(envoy: &Envoy, template: &Template, version: u64) -> Result<bool> {
    let ask = |number| -> Result<u16> {
        let token = template.token(number)?;
        Ok(request(envoy, "GET", "/v1/orders", &[("x-api-key", &token)])?.status)
    };
    for number in 1..=2 {
        let status = ask(number)?;
        let expected = if number == version { 401 } else { 200 };
        if status != expected {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Meets a fault until it is counted under this cause, and then a good publisher.
fn meets(project: &(Deployment, Template), fault: Fault, cause: &str) -> Result<()> {
    let (deployment, template) = project;
    let source = Source::start()?;
    source.publish(&bundle(template, 2)?);
    let way = Way::to(source.address(), fault)?;
    let envoy = seeded(deployment, template, way.address)?;
    let name = format!("wasmcustom.cedarkey_load_{cause}");
    wait::until(&format!("`{name}` is counted"), LIMIT, || {
        assert!(decides_as(&envoy, template, 1).unwrap_or(false), "{cause}: not as before");
        envoy.stats(&name).ok()?.get(&name).filter(|count| **count > 0).copied()
    })?;
    for _ in 0..10 {
        assert!(decides_as(&envoy, template, 1)?, "{cause}");
    }
    way.mend();
    wait::until(&format!("version 2 is in force after {cause}"), LIMIT, || {
        (0..10).all(|_| decides_as(&envoy, template, 2).unwrap_or(false)).then_some(())
    })?;
    Ok(())
}

fn is_poll(path: &str) -> bool {
    path.ends_with("/manifest")
}

#[test]
fn whatever_a_publisher_does_the_right_version_ends_up_in_force() -> Result<()> {
    let project = template(["team:operations", "team:payments"])?;
    let faults: [(Fault, &str); 9] = [
        // 500s, on polls and on segments.
        (
            |path, stream| is_poll(path) && say(stream, "500 Internal Server Error", b"oops"),
            "status",
        ),
        (
            |path, stream| !is_poll(path) && say(stream, "500 Internal Server Error", b"oops"),
            "status",
        ),
        // A redirect is not followed.
        (|_, stream| say(stream, "302 Found\r\nlocation: http://127.0.0.1:1/", b""), "status"),
        (|_, stream| say(stream, "200 OK", &[7; 70_000]), "damaged"),
        // More than an envelope can be.
        (|path, stream| is_poll(path) && say(stream, "200 OK", &[7; 20_000_000]), "damaged"),
        // A small answer that says it would be a large one. Nothing unpacks it.
        (
            |_, stream| {
                say(stream, "200 OK\r\ncontent-encoding: gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\x03")
            },
            "damaged",
        ),
        // Killed in the middle of a segment, and of which fewer bytes come than announced.
        (
            |path, stream| {
                let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\nshort";
                !is_poll(path) && stream.write_all(head).is_ok()
            },
            "unreachable",
        ),
        // Hung after the headers.
        (
            |path, stream| {
                let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n";
                let hangs = is_poll(path) && stream.write_all(head).is_ok();
                if hangs {
                    thread::sleep(Duration::from_secs(15));
                }
                hangs
            },
            "unreachable",
        ),
        // A byte now and then.
        (
            |path, stream| {
                if !is_poll(path) {
                    return false;
                }
                let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n";
                let mut alive = stream.write_all(head).is_ok();
                for _ in 0..150 {
                    alive = alive && stream.write_all(b"c").is_ok();
                    thread::sleep(Duration::from_millis(100));
                }
                true
            },
            "unreachable",
        ),
    ];
    for (fault, cause) in faults {
        meets(&project, fault, cause)?;
    }
    Ok(())
}

#[test]
fn a_publisher_that_comes_back_empty_changes_nothing() -> Result<()> {
    let (deployment, template) = template(["team:operations", "team:payments"])?;
    let source = Source::start()?;
    source.publish(&bundle(&template, 2)?);
    let way = Way::to(source.address(), |path, stream| {
        is_poll(path) && say(stream, "404 Not Found", b"")
    })?;
    let fault = way.fault.lock().unwrap_or_else(PoisonError::into_inner).take();
    let envoy = seeded(&deployment, &template, way.address)?;
    let is_second = || (0..10).all(|_| decides_as(&envoy, &template, 2).unwrap_or(false));
    wait::until("version 2 is in force", LIMIT, || is_second().then_some(()))?;
    *way.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    let name = "wasmcustom.cedarkey_load_status";
    wait::until("it is noticed", LIMIT, || {
        envoy.stats(name).ok()?.get(name).filter(|count| **count > 0).copied()
    })?;
    assert!(is_second());
    // An older version is all it has at first.
    source.publish(&bundle(&template, 1)?);
    way.mend();
    let name = "wasmcustom.cedarkey_load_old_version";
    wait::until("it is refused", LIMIT, || envoy.stats(name).ok()?.get(name).copied())?;
    assert!(is_second());
    Ok(())
}
