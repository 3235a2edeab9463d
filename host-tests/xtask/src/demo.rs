//! `cargo xtask demo`

use crate::steps::heading;
use anstyle::{AnsiColor, Style};
use anyhow::{Context, anyhow, ensure};
use cedarkey_host_kit::deployment::{Answer, Deployment, in_force, request, request_until};
use cedarkey_host_kit::envoy::Envoy;
use cedarkey_host_kit::tools;
use clap::Args;
use std::io::BufRead;
use std::time::{Duration, Instant};

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const DIM: Style = Style::new().dimmed();

/// Show the main job in a real Envoy: allow, deny, revoke, deny.
///
/// Fetches Envoy, builds what is needed, and runs a project, a publisher, an upstream and Envoy on
/// free ports of this machine. At the end everything is stopped and removed.
#[derive(Args, Debug, Default)]
pub struct Demo {
    /// Leave it running until you press Enter, and print commands to try
    #[arg(long)]
    keep: bool,
}

impl Demo {
    /// Runs it.
    pub fn run(self) -> anyhow::Result<bool> {
        let boxed = |error: Box<dyn std::error::Error + Send + Sync>| anyhow!(error);
        heading("get ready");
        say("Envoy");
        tools::envoy()?;
        say("the filter and the command (the first time takes minutes)");
        tools::filter()?;
        tools::cedarkey()?;
        say("a project from the standard library, and a signing key");
        let mut deployment = Deployment::new().map_err(boxed)?;
        say("a publisher");
        deployment.publish(None).map_err(boxed)?;
        say("keys for a reader, and one that is about to expire");
        let member = ["--owner", "team:payments", "--team", "payments", "--scope", "orders:read"];
        let issue = |expires| deployment.issue(&[&member[..], &["--expires", expires]].concat());
        let reader = issue("90d").map_err(boxed)?;
        let short = issue("8s").map_err(boxed)?;
        let issued = Instant::now();
        deployment.push().map_err(boxed)?;
        say("Envoy with two workers");
        let envoy = deployment.envoy(&["--reveal-revoked", "--reveal-policies"]).map_err(boxed)?;
        say("a bundle in force on every worker");
        in_force(&envoy).map_err(boxed)?;

        heading("a key with the scope may read");
        let key = [("x-api-key", reader.token.as_str())];
        let answer = request(&envoy, "GET", "/v1/orders/7", &key).map_err(boxed)?;
        show("GET /v1/orders/7", &answer);
        ensure!(answer.status == 200, "it was not allowed");
        let seen = answer.json();
        let owner = seen.pointer("/headers/x-cedarkey-owner/0").and_then(|owner| owner.as_str());
        ensure!(owner == Some("team:payments"), "the upstream is not told the owner: {seen}");
        ensure!(seen.pointer("/headers/x-api-key").is_none(), "the upstream got the key: {seen}");
        say("the upstream got the owner, and not the key");

        heading("it may not write: a policy denies, and says which");
        let answer = request(&envoy, "POST", "/v1/orders", &key).map_err(boxed)?;
        show("POST /v1/orders", &answer);
        ensure!(answer.status == 403, "it was not denied");
        let policy =
            answer.json().pointer("/policies/0").and_then(|p| p.as_str().map(String::from));
        ensure!(policy.as_deref() == Some("guardrail.scope"), "another policy denied: {policy:?}");

        heading("no key, no way");
        let answer = request(&envoy, "GET", "/v1/orders/7", &[]).map_err(boxed)?;
        show("GET /v1/orders/7", &answer);
        ensure!(answer.status == 401, "it was not denied");

        heading("a key whose time is over");
        let left = Duration::from_secs(8).saturating_sub(issued.elapsed());
        say(&format!("its time ends in {:.0} s", left.as_secs_f64()));
        let old = [("x-api-key", short.token.as_str())];
        let answer = request_until(&envoy, 403, "GET", "/v1/orders/7", &old).map_err(boxed)?;
        show("GET /v1/orders/7", &answer);

        heading("revoke the reader's key");
        let publisher = deployment.publisher().map_err(boxed)?;
        let arguments = ["keys", "revoke", &reader.id, "--reason", "leaked", "--push", &publisher];
        let start = Instant::now();
        deployment.cedarkey(&arguments).map_err(boxed)?;
        let pushed = start.elapsed();
        let answer = request_until(&envoy, 403, "GET", "/v1/orders/7", &key).map_err(boxed)?;
        let enforced = start.elapsed();
        show("GET /v1/orders/7", &answer);
        say(&format!(
            "{} ms from `cedarkey keys revoke --push` to the first 403, of which {} ms after the push",
            enforced.as_millis(),
            enforced.saturating_sub(pushed).as_millis()
        ));
        if self.keep {
            keep(&deployment, &envoy)?;
        }
        envoy.stop()?;
        heading("done: everything is stopped and removed");
        Ok(true)
    }
}

/// Leaves everything running until Enter is pressed.
fn keep(deployment: &Deployment, envoy: &Envoy) -> anyhow::Result<()> {
    let boxed = |error: Box<dyn std::error::Error + Send + Sync>| anyhow!(error);
    let listener = envoy.listener("api")?;
    let command = tools::cedarkey()?;
    let (command, project) = (command.display(), deployment.project());
    let project = project.display();
    let publisher = deployment.publisher().map_err(boxed)?;
    heading("it keeps running; try:");
    anstream::println!("  C={command}; P={project}");
    anstream::println!(
        "  T=$($C -C $P keys issue --owner alice@example.com --purpose trying --team payments --scope orders:read)"
    );
    anstream::println!("  $C -C $P push --to {publisher}");
    anstream::println!("  curl -i -H \"x-api-key: $T\" http://{listener}/v1/orders/7");
    anstream::println!("  curl http://{}/stats?filter=cedarkey_", envoy.admin());
    anstream::println!("press Enter to stop it");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("there is nobody to wait for")?;
    Ok(())
}

fn say(what: &str) {
    anstream::println!("{DIM}-{DIM:#} {what}");
}

fn show(request: &str, answer: &Answer) {
    let json = answer.json();
    let text = |name: &str| json.get(name).and_then(|value| value.as_str()).unwrap_or_default();
    if answer.status == 200 {
        anstream::println!("{GOOD}ALLOW{GOOD:#} {request}");
        return;
    }
    anstream::println!("{BAD}DENY {}{BAD:#} {request}: {}", answer.status, text("detail"));
    for policy in json.get("policies").and_then(|list| list.as_array()).into_iter().flatten() {
        anstream::println!("      by {}", policy.as_str().unwrap_or_default());
    }
}
