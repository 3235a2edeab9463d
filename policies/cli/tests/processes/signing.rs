//! Who signs: files, variables, commands, and several of them while keys are replaced.

use crate::project::{Project, Result};
use crate::server::Server;
use rustix::process::Signal;
use serde_json::Value;
use std::fs;

/// Makes a key in a file beside the project; its public key.
fn key(project: &Project, name: &str) -> Result<String> {
    let file = project.path(name);
    let file = file.to_str().unwrap_or_default();
    Ok(project.run(&["signing-key", "new", file])?.success()?.trim().into())
}

/// Replaces the settings of who signs.
fn sign_with(project: &Project, signing: &str) -> Result {
    let file = project.path("shop/cedarkey.toml");
    let settings = fs::read_to_string(&file)?;
    let others = settings.split("[signing]").next().unwrap_or_default();
    fs::write(file, format!("{others}[signing]\n{signing}"))?;
    Ok(())
}

/// Who signed a bundle that is built now.
fn signers(project: &Project) -> Result<Vec<String>> {
    project.run(&["build", "-o", "built.ckb"])?.success()?;
    let view = project.json(&["inspect", "built.ckb"])?;
    assert_eq!(view.pointer("/accepted"), Some(&true.into()), "{view}");
    let signers = view.pointer("/signers").and_then(Value::as_array).cloned().unwrap_or_default();
    Ok(signers.iter().filter_map(Value::as_str).map(String::from).collect())
}

#[test]
fn files_variables_and_commands_sign_together() -> Result {
    let project = Project::new()?;
    let mut keys = ["file", "env", "command"].map(|name| key(&project, name).unwrap_or_default());
    let [file, env, command] = keys.clone();
    // A command is given what is to be signed, and has the key to itself.
    let cedarkey = env!("CARGO_BIN_EXE_cedarkey");
    let path = |name: &str| project.path(name).display().to_string();
    let settings = format!(
        "key = {:?}\ntrusted = [{file:?}, {env:?}, {command:?}]\n\
         [[signing.keys]]\nenv = \"SHOP_KEY\"\n\
         [[signing.keys]]\ncommand = [{cedarkey:?}, \"signing-key\", \"sign\", {:?}, \"--bundle\", \"shop\"]\n\
         public = {command:?}\n",
        path("file"),
        path("command"),
    );
    sign_with(&project, &settings)?;
    let said = project.run(&["build"])?;
    assert_eq!(said.status, Some(7), "{}", said.stderr);
    assert!(said.stderr.contains("no signing key in the variable `SHOP_KEY`"), "{}", said.stderr);

    let private = fs::read_to_string(project.path("env"))?;
    let build =
        project.command(&["build", "-o", "built.ckb"]).env("SHOP_KEY", private.trim()).output()?;
    assert!(build.status.success(), "{}", String::from_utf8_lossy(&build.stderr));
    let view = project.json(&["inspect", "built.ckb"])?;
    keys.sort();
    let mut found: Vec<_> = view
        .pointer("/signers")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    found.sort_unstable();
    assert_eq!(found, keys);
    Ok(())
}

#[test]
fn a_command_that_does_not_sign_is_told_apart() -> Result {
    let project = Project::new()?;
    let public = key(&project, "command")?;
    let other = key(&project, "other")?;
    let cedarkey = env!("CARGO_BIN_EXE_cedarkey");
    let path = |name: &str| project.path(name).display().to_string();
    for (command, expected) in [
        (String::from("[\"false\"]"), "the signing command `false` failed (exit status: 1)"),
        (String::from("[\"echo\", \"no\"]"), "the signing command `echo` gave no signature"),
        (String::from("[\"/nowhere\"]"), "the signing command `/nowhere` cannot be run"),
        (
            format!("[{cedarkey:?}, \"signing-key\", \"sign\", {:?}]", path("other")),
            "what was to be a signature by `ed25519:",
        ),
        (
            format!(
                "[{cedarkey:?}, \"signing-key\", \"sign\", {:?}, \"--bundle\", \"x\"]",
                path("command")
            ),
            "this key does not sign bundles of the name `shop`",
        ),
    ] {
        let settings = format!(
            "trusted = [{public:?}, {other:?}]\n[[signing.keys]]\ncommand = {command}\npublic = {public:?}\n"
        );
        sign_with(&project, &settings)?;
        let said = project.run(&["build"])?;
        assert_eq!(said.status, Some(7), "{command}: {}", said.stderr);
        assert!(said.stderr.contains(expected), "no `{expected}` in: {}", said.stderr);
    }
    // What is no manifest is not signed.
    let mut sign = project.command(&["signing-key", "sign", &path("command")]);
    let sign = sign.stdin(fs::File::open(project.path("command"))?).output()?;
    let said = String::from_utf8_lossy(&sign.stderr);
    assert_eq!(sign.status.code(), Some(7));
    assert!(said.contains("is not a bundle's manifest"), "{said}");
    Ok(())
}

/// Old proxies know the old key, new ones the new key; each push is for both of them.
#[test]
fn a_key_is_replaced_while_everything_runs() -> Result {
    let project = Project::new()?;
    let old = project.run(&["signing-key", "show"])?.success()?.trim().to_owned();
    let new = key(&project, "next.key")?;
    let next = project.path("next.key").display().to_string();
    let server = Server::start(&project)?;
    let url = server.url.clone();
    project.run(&["push", "--to", &url])?.success()?;

    let both = "[[signing.keys]]\nfile = ";
    sign_with(
        &project,
        &format!("key = \"signing.key\"\ntrusted = [{old:?}, {new:?}]\n{both}{next:?}\n"),
    )?;
    let mut expected = [old.clone(), new.clone()];
    let mut found = signers(&project)?;
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
    // This publisher was started when there was only the old key.
    project.run(&["push", "built.ckb", "--to", &url])?.success()?;
    server.stop(Signal::TERM)?;

    // The old key is over: it no longer signs, and whoever has only it is refused.
    let over = format!("{{ key = {old:?}, not_after = \"2026-01-01T00:00:00Z\" }}");
    sign_with(
        &project,
        &format!("key = \"signing.key\"\ntrusted = [{over}, {new:?}]\n{both}{next:?}\n"),
    )?;
    assert_eq!(signers(&project)?, std::slice::from_ref(&new));
    let rendered = project.json(&[
        "render",
        "envoy",
        "--upstream",
        "127.0.0.1:1",
        "--publisher",
        "127.0.0.1:2",
    ])?;
    assert!(!rendered.to_string().contains(&old), "{rendered}");
    let server = Server::start(&project)?;
    let url = server.url.clone();
    project.run(&["push", "--to", &url])?.success()?;

    sign_with(&project, &format!("key = \"signing.key\"\ntrusted = [{over}]\n"))?;
    let said = project.run(&["push", "--to", &url])?;
    assert_eq!(said.status, Some(7), "{}", said.stderr);
    assert!(
        said.stderr.contains("no key that signs for this project is trusted"),
        "{}",
        said.stderr
    );

    // One whose time is yet to come is in the configuration of proxies, with its time.
    let later = format!("{{ key = {new:?}, not_before = \"2999-01-01T00:00:00Z\" }}");
    sign_with(&project, &format!("key = \"signing.key\"\ntrusted = [{old:?}, {later}]\n"))?;
    let rendered = project.json(&[
        "render",
        "envoy",
        "--upstream",
        "127.0.0.1:1",
        "--publisher",
        "127.0.0.1:2",
    ])?;
    assert!(rendered.to_string().contains("2999-01-01T00:00:00Z"), "{rendered}");
    server.stop(Signal::TERM)?;
    Ok(())
}

/// The whole way of a bundle without a publisher.
#[test]
fn a_bundle_is_exported_to_a_folder() -> Result {
    let project = Project::new()?;
    project.run(&["build", "-o", "new.ckb", "--bundle-version", "7"])?.success()?;
    project.run(&["build", "-o", "old.ckb", "--bundle-version", "6"])?.success()?;
    let folder = project.path("www").display().to_string();
    let said = project.json(&["export", "new.ckb", "--to", &folder])?;
    assert_eq!(said.pointer("/writtenSegments"), Some(&5.into()), "{said}");
    assert!(project.path("www/v1/bundles/shop/manifest").is_file());
    let said = project.run(&["export", "old.ckb", "--to", &folder])?;
    assert_eq!(said.status, Some(9), "{}", said.stderr);
    assert!(said.stderr.contains("version 6 is not above 7"), "{}", said.stderr);
    let said = project.run(&["export", "old.ckb", "--to", "ftp://example.com"])?;
    assert_eq!(said.status, Some(4), "{}", said.stderr);
    Ok(())
}
