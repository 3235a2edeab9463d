//! Bundles in a folder, as a static server gives them.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use axum::body::Bytes;
use cedarkey_bundle::{Archive, Digest, Envelope};
use cedarkey_host_kit::{ports, process::Process};
use cedarkey_publisher::{Mirror, MirrorError, Options, Publisher};
use reqwest::StatusCode;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::backend::Place;
use crate::common::{Server, archive, options};

async fn publish(mirror: &Mirror, archive: &Archive) -> Result<usize, MirrorError> {
    let segment = async |digest: Digest| {
        let found = archive.segments.iter().find(|content| Digest::of(content) == digest);
        Ok::<_, MirrorError>(found.map(|content| Bytes::from(content.clone())))
    };
    Ok(mirror.publish(&archive.envelope, segment).await?.segments)
}

fn manifest(folder: &Path) -> Option<u64> {
    let bytes = fs::read(folder.join("v1/bundles/quickstart/manifest")).ok()?;
    Some(Envelope::decode_whole(&bytes).unwrap().manifest().version)
}

#[tokio::test]
async fn a_folder_has_what_a_publisher_has() {
    let folder = TempDir::new().unwrap();
    let place = folder.path().join("made/for/it");
    let mirror: Mirror = place.to_str().unwrap().parse().unwrap();
    let first = archive("quickstart", 1);
    assert_eq!(publish(&mirror, &first).await.unwrap(), 2);
    assert_eq!(manifest(&place), Some(1));
    for content in &first.segments {
        let file = place.join("v1/segments").join(Digest::of(content).to_string());
        assert_eq!(&fs::read(file).unwrap(), content);
    }
    // Only what is new, and never backwards.
    let mirror: Mirror = format!("file://{}", place.display()).parse().unwrap();
    assert_eq!(publish(&mirror, &archive("quickstart", 3)).await.unwrap(), 1);
    for version in [2, 3] {
        let error = publish(&mirror, &archive("quickstart", version)).await.unwrap_err();
        let expected = format!("version {version} is not above 3, the one that is there");
        assert_eq!(error.to_string(), expected);
    }
    assert_eq!(manifest(&place), Some(3));

    let mut holed = archive("quickstart", 4);
    holed.segments.pop();
    let error = publish(&mirror, &holed).await.unwrap_err();
    assert!(matches!(error, MirrorError::Missing { .. }), "{error}");
    assert_eq!(manifest(&place), Some(3));
}

#[test]
fn what_is_no_place_for_bundles_is_refused() {
    for text in ["ftp://example.com/x", "https://example.com/x", "file://host/x"] {
        let error = text.parse::<Mirror>().unwrap_err();
        assert!(matches!(error, MirrorError::Url { .. }), "{text}: {error}");
    }
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = file.to_str().unwrap().parse::<Mirror>().unwrap_err();
    assert!(matches!(error, MirrorError::Store { .. }), "{error}");
}

/// What is pushed, and what was pushed before, comes to the folder; a static server that knows
/// nothing of cedarkey gives it to a proxy.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_static_server_serves_what_is_mirrored() {
    let folder = TempDir::new().unwrap();
    let earlier = Server::start().await;
    earlier.push(&archive("quickstart", 1)).await;
    let place: Place = earlier.stop().await;

    let mirror: Mirror = folder.path().to_str().unwrap().parse().unwrap();
    let options = Options { mirrors: vec![mirror], ..options(place.database()) };
    let publisher = Publisher::open(options).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let push = format!("http://{}/v1/bundles/quickstart", listener.local_addr().unwrap());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(publisher.serve(listener, async { stopped.await.unwrap() }));
    let until = async |version| {
        let deadline = Instant::now() + Duration::from_secs(20);
        while manifest(folder.path()) != Some(version) {
            assert!(Instant::now() < deadline, "version {version} is not mirrored");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    until(1).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let pushed = archive("quickstart", 2);
    client.put(&push).body(pushed.encode()).send().await.unwrap();
    until(2).await;

    let port = ports::free().unwrap();
    let mut python = Command::new("python3");
    python.args(["-m", "http.server", "--bind", "127.0.0.1", &port.to_string(), "--directory"]);
    python.arg(folder.path()).stdin(Stdio::null());
    let logs = TempDir::new().unwrap();
    let mut python = Process::start(&mut python, &logs.path().join("log")).unwrap();
    let began = Instant::now();
    let get =
        async |path: &str| client.get(format!("http://127.0.0.1:{port}/v1/{path}")).send().await;
    let response = loop {
        match get("bundles/quickstart/manifest").await {
            Ok(response) => break response,
            Err(error) => assert!(began.elapsed() < Duration::from_secs(20), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(response.status(), StatusCode::OK);
    let modified = response.headers()["last-modified"].clone();
    let envelope = response.bytes().await.unwrap();
    assert_eq!(envelope, pushed.envelope.encode());
    let envelope = Envelope::decode_whole(&envelope).unwrap();
    for (segment, content) in envelope.manifest().segments.iter().zip(&pushed.segments) {
        let response = get(&format!("segments/{}", segment.digest)).await.unwrap();
        assert_eq!(&response.bytes().await.unwrap(), content);
    }
    let again = client.get(format!("http://127.0.0.1:{port}/v1/bundles/quickstart/manifest"));
    let again = again.header("if-modified-since", modified).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    python.stop().unwrap();
    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
}
