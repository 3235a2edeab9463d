//! Answering what a publisher was told of leaked tokens.

use crate::project::{Project, Result};
use crate::server::Server;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cedarkey_host_kit::wait;
use rcgen::{KeyPair, SigningKey};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::fs;
use std::process::{Child, Stdio};
use std::time::Duration;

/// How long anything may take.
const LIMIT: Duration = Duration::from_secs(20);

/// What signs as GitHub does.
struct Github(KeyPair);

impl Github {
    /// With its key beside the project.
    fn new(project: &Project) -> Result<Self> {
        let key = KeyPair::generate()?;
        let keys = json!([{ "key_identifier": "test", "key": key.public_key_pem() }]);
        fs::write(project.path("github.json"), json!({ "public_keys": keys }).to_string())?;
        Ok(Self(key))
    }

    /// A publisher that it may tell, with the project's bundle.
    fn server(&self, project: &Project) -> Result<Server> {
        let keys = project.path("github.json");
        let arguments = ["--github-keys", keys.to_str().unwrap_or_default()];
        let server = Server::start_with(project, &arguments, |_| ())?;
        project.run(&["push", "--to", &server.url])?.success()?;
        Ok(server)
    }

    fn tell(&self, server: &Server, token: &str, url: &str) -> Result<()> {
        let body = json!([{ "token": token, "type": "ck", "url": url }]).to_string();
        let signature = STANDARD.encode(self.0.sign(body.as_bytes())?);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let _ = rustls::crypto::ring::default_provider().install_default();
            let post =
                reqwest::Client::new().post(format!("{}/v1/findings/shop/github", server.url));
            let post = post.header("Github-Public-Key-Identifier", "test");
            let post = post.header("Github-Public-Key-Signature", signature).body(body);
            post.send().await?.error_for_status()?;
            Ok(())
        })
    }
}

fn status(project: &Project, id: &str) -> Result<String> {
    let shown = project.json(&["keys", "show", id])?;
    Ok(shown.pointer("/status").and_then(Value::as_str).ok_or("no status")?.into())
}

#[test]
fn what_a_publisher_was_told_is_answered_once() -> Result {
    let project = Project::new()?;
    let github = Github::new(&project)?;
    let (id, token) = project.issued(&[])?;
    let server = github.server(&project)?;
    let report = ["leak", "report", "--from", &server.url];
    let nothing = project.run(&report)?;
    assert_eq!(nothing.stdout, "nothing was found\n", "{}", nothing.stderr);

    github.tell(&server, &token, "https://example.com/a")?;
    github.tell(&server, "another", "https://example.com/a")?;
    let dry = project.run(&[&report[..], &["--dry-run"]].concat())?.success()?;
    assert!(dry.starts_with(&format!("found {id} of team:payments")), "{dry}");
    assert_eq!(status(&project, &id)?, "active");

    let said = project.run(&[&report[..], &["--response", "suspend"]].concat())?;
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    assert!(
        said.stdout.starts_with(&format!("suspended {id} of team:payments")),
        "{}",
        said.stdout
    );
    assert!(said.stdout.contains("by GitHub (ck), https://example.com/a"), "{}", said.stdout);
    assert!(said.stdout.ends_with("1 finding without a key in this registry\n"), "{}", said.stdout);
    assert!(said.stderr.contains("pushed version"), "{}", said.stderr);
    assert_eq!(status(&project, &id)?, "suspended");

    // Both are answered.
    assert_eq!(project.run(&report)?.success()?, "nothing was found\n");
    Ok(())
}

/// What proxies could not be told is not taken for answered.
#[test]
fn a_leaked_key_is_refused_although_the_project_has_errors() -> Result {
    let project = Project::new()?;
    let github = Github::new(&project)?;
    let (id, token) = project.issued(&[])?;
    let server = github.server(&project)?;
    github.tell(&server, &token, "")?;
    fs::write(project.path("shop/routes.yaml"), "broken: [")?;
    let report = ["leak", "report", "--from", &server.url];
    // It takes no project that can be built.
    let said = project.run(&report)?;
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    assert!(said.stdout.starts_with(&format!("revoked {id}")), "{}", said.stdout);
    assert!(said.stderr.contains("pushed version"), "{}", said.stderr);
    Ok(())
}

#[test]
fn what_no_publisher_takes_is_answered_in_the_registry_and_said_again() -> Result {
    let project = Project::new()?;
    let github = Github::new(&project)?;
    let (id, token) = project.issued(&[])?;
    let server = github.server(&project)?;
    // No version is above this one.
    let last = i64::MAX.to_string();
    project.run(&["build", "-o", "last.ckb", "--bundle-version", &last])?.success()?;
    project.run(&["push", "last.ckb", "--to", &server.url])?.success()?;
    github.tell(&server, &token, "")?;
    fs::write(project.path("shop/routes.yaml"), "broken: [")?;
    for _ in 0..2 {
        let said = project.run(&["leak", "report", "--from", &server.url])?;
        assert_ne!(said.status, Some(0), "{}", said.stdout);
        let untold = "1 key answered in the registry, but proxies still accept them";
        assert!(said.stderr.contains(untold), "{}", said.stderr);
        assert_eq!(status(&project, &id)?, "revoked");
    }
    Ok(())
}

#[test]
fn a_publisher_that_takes_no_findings_or_knows_another_is_told_apart() -> Result {
    let project = Project::new()?;
    let server = Server::start(&project)?;
    for command in ["report", "watch"] {
        let said = project.run(&["leak", command, "--from", &server.url])?;
        assert_eq!(said.status, Some(8), "{}", said.stderr);
        assert!(said.stderr.contains("`--github-keys`"), "{}", said.stderr);
    }
    drop(server);
    let github = Github::new(&project)?;
    let server = github.server(&project)?;
    let stranger = Project::new()?;
    let said = stranger.run(&["leak", "report", "--from", &server.url])?;
    assert_eq!(said.status, Some(8), "{}", said.stderr);
    assert!(said.stderr.contains("not by one who may push the bundle"), "{}", said.stderr);

    fs::write(project.path("github.json"), "[]")?;
    let keys = project.path("github.json");
    let said = project.run(&["serve", "--github-keys", keys.to_str().unwrap_or_default()])?;
    assert_eq!(said.status, Some(6), "{}", said.stderr);
    assert!(said.stderr.contains("GitHub's keys cannot be used"), "{}", said.stderr);
    Ok(())
}

/// Waits for a file to hold a text.
fn until(file: &std::path::Path, text: &str) -> Result {
    let said = || fs::read_to_string(file).ok().filter(|said| said.contains(text));
    Ok(wait::until(&format!("it says `{text}`"), LIMIT, said).map(drop)?)
}

/// A command that runs until it is told to stop, also where a test fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may be over already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A publisher that is not what it was tells of all the keys that it has, all at once or little by
/// little, whoever starts it again.
#[test]
fn a_publisher_is_believed_of_so_many_keys_and_no_more() -> Result {
    let project = Project::new()?;
    let github = Github::new(&project)?;
    let keys: Vec<_> = (0..4).map(|_| project.issued(&[])).collect::<Result<_>>()?;
    let server = github.server(&project)?;
    for (_, token) in keys.iter().take(3) {
        github.tell(&server, token, "https://example.com/a")?;
    }
    let states =
        || -> Result<Vec<String>> { keys.iter().map(|(id, _)| status(&project, id)).collect() };
    let watch = ["leak", "watch", "--from", &server.url, "--at-most"];
    let said = project.run(&[&watch[..], &["2"]].concat())?;
    assert_eq!(said.status, Some(15), "{}", said.stderr);
    let message = "3 keys would be revoked or suspended, and `--at-most` is 2: no key is changed";
    assert!(said.stderr.contains(message), "{}", said.stderr);
    let help = format!("`cedarkey leak report --from {}/ --dry-run`", server.url);
    assert!(said.stderr.contains(&help), "{}", said.stderr);
    assert_eq!(states()?, ["active"; 4]);

    // Somebody has looked, and says so.
    let err = project.path("watch.err");
    let mut more = project.command(&[&watch[..], &["3"]].concat());
    let more = more.stdout(Stdio::null()).stderr(fs::File::create(&err)?).stdin(Stdio::null());
    let more = Running(more.spawn()?);
    until(&err, "pushed version")?;
    assert_eq!(states()?, ["revoked", "revoked", "revoked", "active"]);
    drop(more);
    // One more within the hour is one too many, also for one who has just been started.
    github.tell(&server, &keys[3].1, "https://example.com/a")?;
    let said = project.run(&[&watch[..], &["3"]].concat())?;
    assert_eq!(said.status, Some(15), "{}", said.stderr);
    let message = "1 key would be revoked or suspended, after 3 within the last hour";
    assert!(said.stderr.contains(message), "{}", said.stderr);
    assert_eq!(states()?, ["revoked", "revoked", "revoked", "active"]);
    // Whoever answers by hand has no such limit.
    project.run(&["leak", "report", "--from", &server.url])?.success()?;
    assert_eq!(states()?, ["revoked"; 4]);
    Ok(())
}

/// By a key that `leak watch` never sees; past a publisher that is away for a while.
#[test]
fn who_watches_goes_on_until_told_to_stop() -> Result {
    let project = Project::new()?;
    let github = Github::new(&project)?;
    let settings = fs::read_to_string(project.path("shop/cedarkey.toml"))?;
    let key = project.path("shop/signing.key");
    let public = project.run(&["signing-key", "show"])?.success()?;
    let others = settings.split("[signing]").next().unwrap_or_default();
    let public = public.trim();
    let sign = format!(
        "{others}[signing]\ntrusted = [{public:?}]\n[[signing.keys]]\ncommand = [{:?}, \
         \"signing-key\", \"sign\", {:?}, \"--bundle\", \"shop\"]\npublic = {public:?}\n",
        env!("CARGO_BIN_EXE_cedarkey"),
        key.display().to_string(),
    );
    fs::write(project.path("shop/cedarkey.toml"), sign)?;
    let (id, token) = project.issued(&[])?;
    let server = github.server(&project)?;
    let (out, err) = (project.path("watch.out"), project.path("watch.err"));
    let mut watch = project.command(&["leak", "watch", "--from", &server.url]);
    let watch = watch.stdout(fs::File::create(&out)?).stderr(fs::File::create(&err)?);
    let mut watch = Running(watch.stdin(Stdio::null()).spawn()?);
    until(&err, "waiting for what is found")?;

    let address = server.url.trim_start_matches("http://").to_owned();
    server.stop(Signal::TERM)?;
    until(&err, "trying again")?;
    let keys = project.path("github.json");
    let listen = ["--github-keys", keys.to_str().unwrap_or_default(), "--listen", &address];
    let server = Server::start_at(&project, &listen)?;
    github.tell(&server, &token, "https://example.com/a")?;
    until(&out, &format!("revoked {id} of team:payments"))?;
    until(&err, "pushed version")?;
    assert!(fs::read_to_string(&err)?.contains("signed a request about shop: findings"));

    kill_process(Pid::from_child(&watch.0), Signal::TERM)?;
    assert_eq!(watch.0.wait()?.code(), Some(0));
    Ok(())
}
