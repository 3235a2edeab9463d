//! `cedarkey serve`, from its start to its end.

use crate::project::{Project, Result};
use crate::server::Server;
use rustix::process::Signal;
use std::fs;
use std::net::TcpListener;

#[test]
fn pushes_are_taken_in_order_and_from_those_who_are_trusted() -> Result {
    let project = Project::new()?;
    project.run(&["keys", "issue", "--owner", "team:payments", "--purpose", "tests"])?.success()?;
    let server = Server::start(&project)?;
    let url = server.url.clone();

    project.run(&["build", "-o", "first.ckb", "--bundle-version", "7"])?.success()?;
    let pushed = project.run(&["push", "first.ckb", "--to", &url])?.success()?;
    let (first, rest) = pushed.split_once('\n').unwrap_or_default();
    assert_eq!(first, format!("pushed shop version 7 to {url}/"));
    assert!(rest.trim().starts_with("5 of 5 segments were new there, "), "{rest}");
    assert!(rest.contains("it holds until "), "{rest}");

    project.run(&["build", "-o", "older.ckb", "--bundle-version", "6"])?.success()?;
    let older = project.run(&["push", "older.ckb", "--to", &url])?;
    assert_eq!(older.status, Some(9));
    assert!(older.stderr.contains("a bundle's version must be higher than the last"));

    let revoke = ["keys", "revoke", "0", "--reason", "lost", "--push", &url, "--format", "json"];
    let revoked: serde_json::Value = serde_json::from_str(&project.run(&revoke)?.success()?)?;
    assert!(revoked.pointer("/version").and_then(|version| version.as_u64()) > Some(7));
    assert_eq!(revoked.pointer("/keys/0/status"), Some(&"revoked".into()), "{revoked}");

    // Nothing but the time has changed since.
    let again = ["push", "--to", &url, "--format", "json"];
    let again: serde_json::Value = serde_json::from_str(&project.run(&again)?.success()?)?;
    assert_eq!(again.pointer("/uploadedSegments"), Some(&0.into()), "{again}");
    assert_eq!(again.pointer("/segments"), Some(&5.into()), "{again}");

    let stranger = Project::new()?;
    let strange = stranger.run(&["push", "--to", &url])?;
    assert_eq!(strange.status, Some(8));
    assert!(strange.stderr.contains("sign with a key it trusts"), "{}", strange.stderr);

    let (status, said) = server.stop(Signal::TERM)?;
    assert_eq!((status, said), (Some(0), format!("publishing on {url}\n")));
    Ok(())
}

#[test]
fn an_interrupt_ends_it_as_well() -> Result {
    let project = Project::new()?;
    let (status, _) = Server::start(&project)?.stop(Signal::INT)?;
    assert_eq!(status, Some(0));
    Ok(())
}

#[test]
fn an_address_that_is_taken() -> Result {
    let project = Project::new()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    let said = project.run(&["serve", "--listen", &address])?;
    assert_eq!(said.status, Some(6));
    assert!(said.stderr.contains(&format!("cannot listen on {address}")), "{}", said.stderr);
    Ok(())
}

#[test]
fn a_database_that_is_none() -> Result {
    let project = Project::new()?;
    fs::write(project.path("publisher.db"), "this is no database, whatever it is called")?;
    let said = project.run(&["serve", "--listen", "127.0.0.1:0"])?;
    assert_eq!(said.status, Some(6));
    let expected = "`publisher.db` is damaged or is not a SQLite database";
    assert!(said.stderr.contains(expected), "{}", said.stderr);
    Ok(())
}
