//! Metrics, a listener for operators, and TLS.

use std::{fs, path::Path, time::Duration};

use cedarkey_publisher::{Listeners, Publisher, Tls, TlsFiles};
use rcgen::{CertificateParams, CertifiedIssuer, DnType, KeyPair};
use reqwest::{Certificate, Client, StatusCode};
use tempfile::TempDir;
use tokio::{io::AsyncReadExt as _, net::TcpListener, sync::oneshot};

use crate::backend::Place;
use crate::common::{Server, archive, options, problem};

/// The value of a metric, with its labels.
fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
}

#[tokio::test]
async fn what_happens_is_counted() {
    let server = Server::start().await;
    let etag = server.push(&archive("quickstart", 7)).await;
    let late = server.put("quickstart", archive("quickstart", 7).encode()).await;
    assert_eq!(late.status(), StatusCode::CONFLICT);
    for path in ["/v1/bundles/made-up-by-anybody/manifest", "/made/up"] {
        server.get(path).send().await.unwrap();
    }
    let request = server.get("/v1/bundles/quickstart/manifest").header("if-none-match", etag);
    let request = request.header("x-cedarkey-node", "a").header("x-cedarkey-active", "6;since=1");
    request.send().await.unwrap();

    let response = server.get("/metrics").send().await.unwrap();
    let kind = response.headers()["content-type"].to_str().unwrap();
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    let text = response.text().await.unwrap();
    let route = "route=\"/v1/bundles/{name}/manifest\",method=\"GET\"";
    for (name, expected) in [
        ("pushes_total", "1"),
        ("problems_total{cause=\"old_version\"}", "1"),
        ("problems_total{cause=\"unknown_bundle\"}", "1"),
        ("problems_total{cause=\"no_such_path\"}", "1"),
        (&format!("requests_total{{{route},status=\"304\"}}"), "1"),
        (&format!("requests_total{{{route},status=\"404\"}}"), "1"),
        ("requests_total{route=\"other\",method=\"GET\",status=\"404\"}", "1"),
        ("requests_held", "0"),
        ("bundle_version{bundle=\"quickstart\"}", "7"),
        ("proxies{bundle=\"quickstart\"}", "1"),
        ("proxies_behind{bundle=\"quickstart\"}", "1"),
    ] {
        let found = value(&text, &format!("cedarkey_publisher_{name}"));
        assert_eq!(found, Some(expected), "{name} in:\n{text}");
    }
    assert!(
        value(&text, "cedarkey_publisher_bundle_expires_seconds{bundle=\"quickstart\"}").is_some()
    );
    assert!(!text.contains("made"), "{text}");
    assert!(text.ends_with("# EOF\n"), "{text}");
}

/// A publisher with these listeners, which is told to stop when the sender is dropped.
async fn serve(place: &Place, listeners: Listeners) -> (Publisher, oneshot::Sender<()>) {
    let publisher = Publisher::open(options(place.database())).await.unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = publisher.clone().serve(listeners, async {
        // An error is a dropped sender: the test is over.
        let _stopped = stopped.await;
    });
    tokio::spawn(serving);
    (publisher, stop)
}

#[tokio::test]
async fn operators_can_have_a_listener_of_their_own() {
    let server = Server::start().await;
    server.push(&archive("quickstart", 1)).await;
    let bundles = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let operations = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let public = format!("http://{}", bundles.local_addr().unwrap());
    let private = format!("http://{}", operations.local_addr().unwrap());
    let listeners = Listeners { operations: Some(operations), ..bundles.into() };
    let (_publisher, stop) = serve(&server.place, listeners).await;
    let get = async |url: String| server.client.get(url).send().await.unwrap();
    for path in ["/metrics", "/v1/fleet/quickstart"] {
        assert_eq!(problem(get(format!("{public}{path}")).await).await.0, 404, "{path}");
        assert_eq!(get(format!("{private}{path}")).await.status(), StatusCode::OK, "{path}");
    }
    let path = "/v1/bundles/quickstart/manifest";
    assert_eq!(get(format!("{public}{path}")).await.status(), StatusCode::OK);
    assert_eq!(problem(get(format!("{private}{path}")).await).await.0, 404);
    for at in [&public, &private] {
        assert_eq!(get(format!("{at}/healthz")).await.status(), StatusCode::OK);
    }
    // Both stop together.
    drop(stop);
    for at in [&public, &private] {
        while server.client.get(format!("{at}/healthz")).send().await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// A certificate authority.
fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new([]).unwrap();
    params.distinguished_name.push(DnType::CommonName, "tests");
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Writes a certificate for `localhost`, and its key.
fn certify(folder: &Path, by: &CertifiedIssuer<'static, KeyPair>) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["localhost".into()]).unwrap();
    let certificate = params.signed_by(&key, by).unwrap();
    fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    fs::write(folder.join("cert.pem"), certificate.pem()).unwrap();
}

fn trusting(authority: &CertifiedIssuer<'static, KeyPair>) -> Client {
    let root = Certificate::from_pem(authority.pem().as_bytes()).unwrap();
    // Without a pool, so that each request shakes hands.
    Client::builder().tls_certs_only([root]).no_proxy().pool_max_idle_per_host(0).build().unwrap()
}

#[tokio::test]
async fn bundles_go_over_tls_whose_certificate_may_be_replaced() {
    // For its provider of cryptography.
    let server = Server::start().await;
    let folder = TempDir::new().unwrap();
    let (old, new) = (authority(), authority());
    certify(folder.path(), &old);
    let files = files(folder.path());
    let tls = Tls::load(files.clone()).unwrap();
    let bundles = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = bundles.local_addr().unwrap().port();
    let listeners = Listeners { tls: Some(tls), ..bundles.into() };
    let (publisher, stop) = serve(&server.place, listeners).await;
    let url = format!("https://localhost:{port}/v1/bundles/quickstart");

    let client = trusting(&old);
    let body = archive("quickstart", 1).encode();
    assert_eq!(client.put(&url).body(body).send().await.unwrap().status(), StatusCode::CREATED);
    let url = format!("{url}/manifest");
    let response = client.get(&url).send().await.unwrap();
    let etag = response.headers()["etag"].clone();
    trusting(&new).get(&url).send().await.unwrap_err();
    // Plain HTTP gets no answer there.
    let plain = url.replace("https", "http");
    client.get(plain).send().await.unwrap_err();

    // A held request survives the change, and what is no certificate changes nothing.
    let held = client.get(&url).header("if-none-match", etag).header("prefer", "wait=60");
    let held = tokio::spawn(held.send());
    while publisher.held() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    certify(folder.path(), &new);
    while trusting(&new).get(&url).send().await.is_err() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    fs::write(&files.certificate, "no certificate").unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(trusting(&new).get(&url).send().await.unwrap().status(), StatusCode::OK);
    drop(stop);
    assert_eq!(held.await.unwrap().unwrap().status(), StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn files_that_are_no_certificate_are_refused() {
    let folder = TempDir::new().unwrap();
    certify(folder.path(), &authority());
    let files = files(folder.path());
    let missing = folder.path().join("missing.pem");
    for (files, wrong) in [
        (TlsFiles { certificate: missing.clone(), ..files.clone() }, "missing.pem"),
        (TlsFiles { key: missing.clone(), ..files.clone() }, "missing.pem"),
        (TlsFiles { clients: Some(missing), ..files.clone() }, "missing.pem"),
        (TlsFiles { clients: Some(files.key.clone()), ..files.clone() }, "key.pem"),
    ] {
        let error = Tls::load(files).unwrap_err();
        assert!(error.file.ends_with(wrong), "{error}");
    }
    // The key of another certificate.
    let other = fs::read_to_string(&files.key).unwrap();
    certify(folder.path(), &authority());
    fs::write(&files.key, other).unwrap();
    Tls::load(files).unwrap_err();
}

fn files(folder: &Path) -> TlsFiles {
    let [certificate, key] = ["cert.pem", "key.pem"].map(|name| folder.join(name));
    TlsFiles { certificate, key, clients: None }
}

/// A client that says nothing does not hold up the end.
#[tokio::test]
async fn a_connection_without_a_request_is_closed_at_the_end() {
    let server = Server::start().await;
    let mut silent = tokio::net::TcpStream::connect(server.address).await.unwrap();
    assert_eq!(server.get("/healthz").send().await.unwrap().status(), StatusCode::OK);
    let began = std::time::Instant::now();
    server.stop().await;
    assert!(began.elapsed() < Duration::from_secs(10));
    let mut rest = Vec::new();
    // It may end by a reset.
    let _ = silent.read_to_end(&mut rest).await;
    assert!(rest.is_empty());
}
