//! What must be nowhere but where it is made.

use crate::project::{Project, Result};
use crate::server::Server;
use rustix::process::Signal;
use std::fs;

/// Neither a token nor a signing key is in the registry, in a bundle, in what a publisher keeps, or
/// in a mirror.
#[test]
fn no_secret_is_where_bundles_are() -> Result {
    let project = Project::new()?;
    let issued =
        project.json(&["keys", "issue", "--owner", "team:payments", "--purpose", "tests"])?;
    let token = issued.pointer("/token").and_then(|token| token.as_str()).unwrap_or_default();
    // Prefix and environment are known to all.
    let random = token.rsplit('_').next().unwrap_or_default();
    assert!(random.len() > 20, "{token}");
    let key = fs::read_to_string(project.path("shop/signing.key"))?;
    let private = key.trim().rsplit(':').next().unwrap_or_default();
    assert!(private.len() > 20, "not the form of a key that is expected");

    let server = Server::start(&project)?;
    project.run(&["build", "-o", "shop.ckb"])?.success()?;
    project.run(&["push", "shop.ckb", "--to", &server.url])?.success()?;
    let mirror = project.path("mirror").to_string_lossy().into_owned();
    project.run(&["export", "shop.ckb", "--to", &mirror])?.success()?;
    server.stop(Signal::TERM)?;
    let kept = ["shop/keys.db", "shop.ckb", "publisher.db"];
    let mut files: Vec<_> = kept.iter().map(|name| project.path(name)).collect();
    for folder in ["mirror/v1/bundles/shop", "mirror/v1/segments"] {
        for entry in fs::read_dir(project.path(folder))? {
            files.push(entry?.path());
        }
    }
    assert!(files.len() > 6, "{files:?}");
    for file in files {
        let bytes = fs::read(&file)?;
        for secret in [random, private] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{}", file.display());
        }
    }
    Ok(())
}
