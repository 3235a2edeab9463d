//! A disk that is full: a small file system in memory, which only root can make.

use std::process::{Command, Output};

use cedarkey_bundle::{Archive, Draft, SegmentKind};
use reqwest::StatusCode;

use crate::backend::Place;
use crate::common::{Server, archive, draft, problem, signer};

/// A file system of few bytes in the folder of a database, gone when it is dropped.
struct Disk {
    folder: String,
}

impl Disk {
    /// Says why there is none where there cannot be one.
    fn mount(place: &Place, size: &str) -> Result<Self, String> {
        let folder = place.folder.path().to_str().unwrap().to_owned();
        run("mount", &["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs", &folder])?;
        Ok(Self { folder })
    }

    fn resize(&self, size: &str) {
        run("mount", &["-o", &format!("remount,size={size}"), &self.folder]).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Whoever still has a file open there keeps it until then.
        run("umount", &["--lazy", &self.folder]).unwrap();
    }
}

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program).args(arguments).output();
    let Output { status, stderr, .. } = output.map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&stderr).into_owned()) }
}

/// A bundle of about 60,000 bytes that has nothing in common with others.
fn large(number: u8) -> Archive {
    let name = format!("large{number}");
    let segments = vec![(SegmentKind::Model, vec![number; 60_000])];
    Draft { segments, ..draft(&name, 1) }.sign(&[&signer(1)]).unwrap()
}

#[tokio::test]
async fn what_does_not_fit_is_refused_and_nothing_is_lost() {
    let place = Place::new();
    let disk = match Disk::mount(&place, "1m") {
        Ok(disk) => disk,
        Err(said) => return eprintln!("skipped: no file system can be mounted here: {said}"),
    };
    let server = Server::start_in(place).await;
    let etag = server.push(&archive("quickstart", 1)).await;
    let held = server.poll("quickstart", &etag, 60);
    let mut fitted = Vec::new();
    let refused = loop {
        let next = large(u8::try_from(fitted.len()).unwrap());
        let response = server.put(&next.envelope.manifest().name, next.encode()).await;
        match response.status() {
            StatusCode::CREATED => fitted.push(next),
            _ => break (next, problem(response).await),
        }
    };
    let (rest, (status, detail)) = refused;
    assert_eq!(status, 507);
    let expected = "the publisher has no room left for it; its disk or database is full";
    assert_eq!(detail, expected);
    assert!(!fitted.is_empty());

    // All that was accepted is there, nothing of what was not, and the publisher is well.
    for pushed in &fitted {
        let path = format!("/v1/bundles/{}/manifest", pushed.envelope.manifest().name);
        let response = server.get(&path).send().await.unwrap();
        assert_eq!(response.bytes().await.unwrap(), pushed.envelope.encode());
    }
    let path = format!("/v1/bundles/{}/manifest", rest.envelope.manifest().name);
    assert_eq!(server.get(&path).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    assert_eq!(server.get("/readyz").send().await.unwrap().status(), StatusCode::OK);
    assert!(!held.is_finished());

    disk.resize("8m");
    server.push(&rest).await;
    let etag = server.push(&archive("quickstart", 2)).await;
    assert_eq!(held.await.unwrap().headers()["etag"], etag);
    server.stop().await;
}
