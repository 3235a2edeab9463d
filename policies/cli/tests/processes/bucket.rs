//! Bundles in a bucket of an object store: Moto, which speaks the protocol of Amazon S3.

use crate::project::{Project, Result, Said};
use crate::server::Server;
use cedarkey_bundle::{Digest, Envelope};
use cedarkey_host_kit::process::Process;
use cedarkey_host_kit::{ports, tools, wait};
use rustix::process::Signal;
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);

/// An object store with one bucket.
struct Store {
    url: String,
    _process: Process,
}

impl Store {
    /// None, with the reason said, where it cannot be had.
    fn start(project: &Project) -> Result<Option<Self>> {
        let program = match tools::moto() {
            Ok(program) => program,
            Err(error) => {
                eprintln!("skipped: no object store can be had here: {error}");
                return Ok(None);
            }
        };
        let port = ports::free()?.to_string();
        let mut command = Command::new(program);
        command.args(["-H", "127.0.0.1", "-p", &port]);
        let mut process = Process::start(&mut command, &project.path("moto.log"))?;
        let url = format!("http://127.0.0.1:{port}");
        let bucket = format!("{url}/bundles");
        process.until("the bucket is there", LIMIT, || ask("PUT", &bucket).ok())?;
        Ok(Some(Self { url, _process: process }))
    }

    fn get(&self, path: &str) -> Result<Vec<u8>> {
        ask("GET", &format!("{}/bundles/prod/v1/{path}", self.url))
    }

    fn version(&self) -> Result<u64> {
        Ok(Envelope::decode_whole(&self.get("bundles/shop/manifest")?)?.manifest().version)
    }

    /// As somebody who may write there.
    fn allow<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("AWS_ENDPOINT", &self.url).env("AWS_ALLOW_HTTP", "true");
        command.env("AWS_ACCESS_KEY_ID", "tests").env("AWS_SECRET_ACCESS_KEY", "tests");
        command.env("AWS_REGION", "us-east-1")
    }
}

fn ask(method: &str, url: &str) -> Result<Vec<u8>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().timeout(LIMIT).build()?;
        // The store looks whether somebody is named, and verifies no signature.
        let named = "AWS4-HMAC-SHA256 Credential=tests/20270101/us-east-1/s3/aws4_request, \
                     SignedHeaders=host, Signature=0";
        let request = client.request(method.parse()?, url).header("authorization", named);
        let response = request.send().await?.error_for_status()?;
        Ok(response.bytes().await?.to_vec())
    })
}

#[test]
fn bundles_come_to_a_bucket_by_export_and_by_mirror() -> Result {
    let project = Project::new()?;
    let Some(store) = Store::start(&project)? else { return Ok(()) };
    let export = |file: &str| -> Result<Said> {
        let mut command = project.command(&["export", file, "--to", "s3://bundles/prod"]);
        Said::of(store.allow(&mut command).output()?)
    };
    for version in ["6", "7", "8"] {
        let file = format!("{version}.ckb");
        project.run(&["build", "-o", &file, "--bundle-version", version])?.success()?;
    }
    let said = export("7.ckb")?.success()?;
    assert!(said.contains("5 of 5 segments were new there"), "{said}");
    // All of it is there, and nothing goes back.
    let envelope = Envelope::decode_whole(&store.get("bundles/shop/manifest")?)?;
    assert_eq!(envelope.manifest().version, 7);
    for segment in &envelope.manifest().segments {
        let content = store.get(&format!("segments/{}", segment.digest))?;
        assert_eq!(Digest::of(&content), segment.digest);
    }
    let old = export("6.ckb")?;
    assert_eq!(old.status, Some(9), "{}", old.stderr);
    assert!(old.stderr.contains("version 6 is not above 7"), "{}", old.stderr);
    let said = export("8.ckb")?.success()?;
    assert!(said.contains("0 of 5 segments were new there"), "{said}");
    assert_eq!(store.version()?, 8);

    let server = Server::start_with(&project, &["--mirror", "s3://bundles/prod"], |command| {
        store.allow(command);
    })?;
    let pushed = project.json(&["push", "--to", &server.url])?;
    let pushed = pushed.pointer("/version").and_then(|it| it.as_u64()).ok_or("no version")?;
    wait::until("what was pushed is in the bucket", LIMIT, || {
        (store.version().ok()? == pushed).then_some(())
    })?;
    server.stop(Signal::TERM)?;
    Ok(())
}
