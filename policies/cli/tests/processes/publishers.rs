//! Publishers that do not do what they should: each has its own message.

use crate::fake::{Fake, Manners};
use crate::project::{Project, Result};
use std::net::TcpListener;

/// Pushes to a server, and expects what is said of it.
fn refused(manners: Manners, expected: &[&str]) -> Result {
    let project = Project::new()?;
    let fake = Fake::start(manners)?;
    let url = format!("http://{}", fake.address);
    let said = project.run(&["push", "--to", &url, "--timeout", "2s"])?;
    fake.end();
    assert_eq!(said.status, Some(6), "{}", said.stderr);
    assert_eq!(said.stdout, "");
    for words in expected {
        assert!(said.stderr.contains(words), "no `{words}` in: {}", said.stderr);
    }
    Ok(())
}

#[test]
fn not_found() -> Result {
    let answer = "HTTP/1.1 404 Not Found\r\ncontent-length: 9\r\n\r\nnot found";
    refused(Manners::Answers(answer), &["is not a publisher: it said 404 Not Found", "help:"])
}

#[test]
fn an_error_without_words() -> Result {
    let answer = "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n";
    refused(Manners::Answers(answer), &["it said 500 Internal Server Error"])
}

#[test]
fn an_error_with_words() -> Result {
    let answer = "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 36\r\n\r\n\
                  {\"detail\":\"the database is damaged\"}";
    refused(Manners::Answers(answer), &["fails: the database is damaged"])
}

#[test]
fn words_that_would_act_on_the_terminal() -> Result {
    let answer = "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 34\r\n\r\n\
                  {\"detail\":\"a\\u001b[2Jb\\rc\\u202ed\"}";
    refused(Manners::Answers(answer), &[r"fails: a\u{1b}[2Jb\u{d}c\u{202e}d"])
}

#[test]
fn garbage_for_an_answer() -> Result {
    let answer = "HTTP/1.1 201 Created\r\ncontent-length: 5\r\n\r\n<htm>";
    refused(Manners::Answers(answer), &["is not a publisher: it said 201 Created"])
}

#[test]
fn garbage_for_http() -> Result {
    refused(Manners::Answers("SSH-2.0-OpenSSH_9.6\r\n"), &["broke off", "because:"])
}

#[test]
fn an_answer_without_end() -> Result {
    let head = "HTTP/1.1 201 Created\r\ncontent-length: 100000\r\n\r\n";
    let answer = format!("{head}{}", " ".repeat(100_000));
    refused(Manners::Answers(answer.leak()), &["is not a publisher"])
}

#[test]
fn a_redirect_is_not_followed() -> Result {
    let answer = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
    refused(Manners::Answers(answer), &["it said 302 Found"])
}

#[test]
fn no_answer() -> Result {
    refused(Manners::HangsUp, &["broke off"])
}

#[test]
fn never_an_answer() -> Result {
    refused(Manners::Waits, &["did not answer in time"])
}

#[test]
fn nobody_there() -> Result {
    let project = Project::new()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    drop(listener);
    let said = project.run(&["push", "--to", &url])?;
    assert_eq!(said.status, Some(6));
    assert!(said.stderr.contains("no publisher can be reached at"), "{}", said.stderr);
    Ok(())
}

#[test]
fn what_is_no_address() -> Result {
    let project = Project::new()?;
    let said = project.run(&["push", "--to", "mailto:publisher@example.com"])?;
    assert_eq!(said.status, Some(4));
    assert!(said.stderr.contains("is not a publisher's address"), "{}", said.stderr);
    Ok(())
}

/// A revocation holds, whether or not anybody can be told.
#[test]
fn a_revocation_that_nobody_hears_of() -> Result {
    let project = Project::new()?;
    project.run(&["keys", "issue", "--owner", "team:payments", "--purpose", "tests"])?.success()?;
    let fake = Fake::start(Manners::HangsUp)?;
    let url = format!("http://{}", fake.address);
    let said = project.run(&["keys", "revoke", "0", "--reason", "lost", "--push", &url])?;
    fake.end();
    assert_eq!(said.status, Some(6));
    assert!(said.stderr.contains("is revoked, but proxies still accept it"), "{}", said.stderr);
    let listed = project.run(&["keys", "list", "--status", "revoked"])?.success()?;
    assert!(listed.contains("team:payments"), "{listed}");
    Ok(())
}
