//! A registry in PostgreSQL, by the command line.

use crate::project::{Project, Result, Said};
use cedarkey_host_kit::postgres::Postgres;

fn run(project: &Project, registry: &str, arguments: &[&str]) -> Result<Said> {
    let output = project.command(arguments).env("CEDARKEY_REGISTRY", registry).output()?;
    Ok(Said {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout)?,
        stderr: String::from_utf8(output.stderr)?,
    })
}

#[test]
fn keys_in_postgresql_go_into_bundles() -> Result {
    let project = Project::new()?;
    let mut server = Postgres::start()?;
    let url = server.create("keys")?;
    let run = |arguments: &[&str]| run(&project, &url, arguments);
    let member = ["--owner", "team:payments", "--team", "payments", "--scope", "orders:read"];
    let issue = [["keys", "issue", "--purpose", "tests"].as_slice(), &member].concat();
    let token = run(&issue)?.success()?;
    assert!(!project.path("shop/keys.db").exists());

    let file = project.path("shop.ckb");
    let file = file.to_str().unwrap_or_default();
    run(&["build", "-o", file])?.success()?;
    let eval = ["eval", file, "--path", "/v1/orders/7", "--token", token.trim()];
    assert_eq!(run(&eval)?.status, Some(0));
    // Suspended, it is refused by the next bundle; resumed, it is not.
    for (command, status) in [("suspend", 2), ("resume", 0)] {
        run(&["keys", command, "0", "--reason", "tests"])?.success()?;
        run(&["build", "-o", file])?.success()?;
        assert_eq!(run(&eval)?.status, Some(status), "{command}");
    }
    assert!(run(&["audit", "verify"])?.success()?.starts_with("sound: 3 entries, 1 key"));

    server.stop()?;
    let said = run(&["keys", "list"])?;
    assert_eq!(said.status, Some(5));
    assert!(said.stderr.contains("is the server running"), "{}", said.stderr);
    Ok(())
}
