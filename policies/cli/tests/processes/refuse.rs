//! `cedarkey keys revoke --push` and its like: keys that are refused at once, whatever the project is.

use crate::project::{Project, READER, Result};
use crate::server::Server;
use rustix::process::Signal;
use serde_json::json;
use std::fs;

#[test]
fn a_key_is_revoked_although_the_project_has_errors() -> Result {
    let project = Project::new()?;
    let (id, token) = project.issued(&READER)?;
    let (id, token) = (id.as_str(), token.as_str());
    let server = Server::start(&project)?;
    fs::write(project.path("shop/policies/broken.cedar"), "permit (")?;
    let revoke = ["keys", "revoke", id, "--reason", "lost", "--push", &server.url];
    // There is nothing yet that it could be added to.
    let said = project.run(&["keys", "suspend", id, "--reason", "lost", "--push", &server.url])?;
    assert_eq!(said.status, Some(3), "{}{}", said.stdout, said.stderr);
    fs::remove_file(project.path("shop/policies/broken.cedar"))?;
    project.run(&["keys", "resume", id, "--push", &server.url])?.success()?;
    assert!(server.decides(&project, token)?.contains("ALLOW"));

    fs::write(project.path("shop/policies/broken.cedar"), "permit (")?;
    let said = project.run(&revoke)?;
    assert_eq!(said.status, Some(0), "{}{}", said.stdout, said.stderr);
    assert!(said.stderr.contains("the project has errors: proxies are told"), "{}", said.stderr);
    assert!(said.stderr.contains("broken.cedar"), "{}", said.stderr);
    assert!(server.decides(&project, token)?.contains("DENY"));
    server.stop(Signal::TERM)?;
    Ok(())
}

#[test]
fn a_key_is_revoked_and_nothing_else_of_the_project_comes_into_force() -> Result {
    let project = Project::new()?;
    let ((lost, token), (_, other)) = (project.issued(&READER)?, project.issued(&READER)?);
    let server = Server::start(&project)?;
    let revoke = ["keys", "revoke", &lost, "--reason", "lost", "--refused-only", "--push"];
    let revoke = [&revoke[..], &[&server.url]].concat();
    let said = project.run(&revoke)?;
    assert!(said.status == Some(8) && said.stderr.contains("push it first"), "{}", said.stderr);
    let pushed = server.push(&project)?;
    let policy = project.path("shop/policies/mistake.cedar");
    fs::write(&policy, "@id(\"mistake\")\nforbid (principal, action, resource);\n")?;
    let done = project.json(&revoke)?;
    // The list was pushed with the rest: there is nothing to add to it.
    assert_eq!(done.pointer("/version"), Some(&json!(pushed)));
    project
        .run(&[
            "keys",
            "suspend",
            "--owner",
            "team:payments",
            "--reason",
            "x",
            "--refused-only",
            "--push",
            &server.url,
        ])?
        .success()?;
    for token in [token, other] {
        let said = server.decides(&project, &token)?;
        assert!(said.contains("DENY") && said.contains("revoked"), "{said}");
        assert!(!said.contains("mistake"), "{said}");
    }
    server.stop(Signal::TERM)?;
    Ok(())
}
