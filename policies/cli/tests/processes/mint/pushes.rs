//! Keys are minted beside others who push, and change nothing of what these have pushed.

use super::{Mint, text};
use crate::project::Result;
use crate::server::Server;
use reqwest::Client;
use serde_json::json;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

/// Minting changes keys and nothing else: what the project's files say meanwhile is for a push.
#[test]
fn a_bundle_of_another_state_of_the_project_is_not_replaced() -> Result {
    let mint = Mint::new()?;
    let short = json!({ "lifetime": "1m" });
    let server = Server::start_with(&mint.project, &["--mint"], |_| ())?;
    let refused = mint.refuse(&server, "nightly-export", &short)?;
    assert_eq!(refused, (503, "mint_no_bundle".into()));
    mint.project.run(&["push", "--to", &server.url])?.success()?;
    let ask =
        || Ok::<_, Box<dyn std::error::Error>>(mint.ask(&server, "nightly-export", &short)?.0);
    assert_eq!(ask()?, 201);

    // Other rules here than there.
    let routes = mint.project.path("shop/routes.yaml");
    let good = fs::read_to_string(&routes)?;
    fs::write(&routes, good.replace("/v1/admin", "/v1/administration"))?;
    let version = mint.bundle(&server)?.manifest.version;
    let refused = mint.refuse(&server, "nightly-export", &short)?;
    assert_eq!(refused, (503, "mint_other_project".into()));
    fs::write(&routes, "nonsense: [")?;
    let refused = mint.refuse(&server, "nightly-export", &short)?;
    assert_eq!(refused, (503, "mint_broken".into()));
    assert_eq!(mint.bundle(&server)?.manifest.version, version, "what was good is in force");
    fs::write(&routes, good.replace("/v1/admin", "/v1/administration"))?;
    mint.project.run(&["push", "--to", &server.url])?.success()?;
    assert_eq!(ask()?, 201);

    // Somebody else rolls back, and it is not undone.
    let version = version.to_string();
    let rollback = ["rollback", "--to", &version, "--publisher", &server.url];
    mint.project.run(&rollback)?.success()?;
    let refused = mint.refuse(&server, "nightly-export", &short)?;
    assert_eq!(refused, (503, "mint_other_project".into()));

    // Nothing was issued that could not be published.
    let listed = mint.project.run(&["keys", "list"])?.success()?;
    assert_eq!(listed.matches("team:payments").count(), 2, "{listed}");
    Ok(())
}

/// A copy of the registry, or an older one, would bring keys back to life and lose others.
#[test]
fn a_bundle_of_another_registry_is_not_replaced() -> Result {
    let mint = Mint::new()?;
    let issue = ["keys", "issue", "--owner", "team:payments", "--purpose", "tests"];
    let issued = mint.project.json(&issue)?;
    drop(mint.server()?);
    let copy = mint.project.path("copy.db");
    fs::copy(mint.project.path("shop/keys.db"), &copy)?;
    let at = copy.to_string_lossy().into_owned();
    let start = || {
        Server::start_with(&mint.project, &["--mint"], |command| {
            command.env("CEDARKEY_REGISTRY", &at);
        })
    };
    let short = json!({ "lifetime": "1m" });
    // As yet they say the same.
    let server = start()?;
    assert_eq!(mint.ask(&server, "nightly-export", &short)?.0, 201);
    drop(server);

    // The other registry knows of a revocation, and of a key, that this one does not.
    fs::copy(&copy, mint.project.path("shop/keys.db"))?;
    let plain = Server::start(&mint.project)?;
    let revoke = ["keys", "revoke", text(&issued, "/key/id"), "--reason", "tests"];
    mint.project.run(&[&revoke[..], &["--push", &plain.url]].concat())?.success()?;
    drop(plain);
    let server = start()?;
    let refused = mint.refuse(&server, "nightly-export", &short)?;
    assert_eq!(refused, (503, "mint_other_registry".into()));
    assert_eq!(mint.bundle(&server)?.revocations.len(), 1);
    Ok(())
}

/// What others have changed in the registry is in the next bundle, and what they have pushed stays.
#[test]
fn a_key_that_was_revoked_meanwhile_stays_revoked() -> Result {
    let mint = Mint::new()?;
    let issued =
        mint.project.json(&["keys", "issue", "--owner", "team:payments", "--purpose", "tests"])?;
    let server = mint.server()?;
    let short = json!({ "lifetime": "1m" });
    assert_eq!(mint.ask(&server, "nightly-export", &short)?.0, 201);
    let id = text(&issued, "/key/id");
    let revoke = ["keys", "revoke", id, "--reason", "tests", "--push", &server.url];
    mint.project.run(&revoke)?.success()?;
    assert_eq!(mint.ask(&server, "nightly-export", &short)?.0, 201);
    assert_eq!(mint.bundle(&server)?.revocations.len(), 1);
    // A policy for minting needs no push.
    fs::write(
        mint.project.path("shop/mint/limits.cedar"),
        "@id(\"mint.nobody\")\nforbid (principal, action, resource);\n",
    )?;
    let refused = mint.refuse(&server, "nightly-export", &short)?;
    assert_eq!(refused, (403, "mint_denied".into()));
    Ok(())
}

/// A revocation is not kept waiting by those who are given keys.
#[test]
fn a_key_is_revoked_while_others_are_minted() -> Result {
    let mint = Mint::new()?;
    let issue = ["keys", "issue", "--owner", "team:payments", "--purpose", "tests"];
    let issued = (0..3).map(|_| mint.project.json(&issue)).collect::<Result<Vec<_>>>()?;
    let server = mint.server()?;
    let (client, jwt) = (Client::new(), mint.jwt("nightly-export"));
    let busy = AtomicBool::new(true);
    std::thread::scope(|scope| {
        let minting = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map_or(0, |runtime| {
                runtime.block_on(async {
                    let mut asked = 0;
                    while busy.load(Ordering::Relaxed) {
                        let post = client.post(format!("{}/v1/tokens", server.url));
                        let post = post.bearer_auth(&jwt).body(r#"{ "lifetime": "2s" }"#);
                        let status = post.send().await.map(|answer| answer.status().as_u16());
                        // Where others push all the time, a key may not be given.
                        asked += usize::from(status.is_ok_and(|it| matches!(it, 201 | 503)));
                    }
                    asked
                })
            })
        });
        let revoked: Result = issued.iter().try_for_each(|issued| {
            let id = text(issued, "/key/id");
            let revoke = ["keys", "revoke", id, "--reason", "tests", "--push", &server.url];
            mint.project.run(&revoke)?.success()?;
            Ok(())
        });
        busy.store(false, Ordering::Relaxed);
        let asked = minting.join().unwrap_or_default();
        println!("{asked} keys were asked for meanwhile");
        assert!(asked > 0, "there was nobody in the way");
        revoked
    })?;
    let wanted = json!({ "lifetime": "1m" });
    assert_eq!(mint.ask(&server, "nightly-export", &wanted)?.0, 201);
    assert!(mint.bundle(&server)?.revocations.len() >= 3);
    Ok(())
}
