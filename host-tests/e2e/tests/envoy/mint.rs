//! A key that a workload was given on demand: it works for the workload, for nobody else, and for
//! minutes. Everybody speaks TLS, as rendered.

use crate::identity::request;
use cedarkey_host_kit::deployment::{Deployment, LIMIT, Result, in_force, start};
use cedarkey_host_kit::identities::{Authority, ISSUER, Identity, Login};
use cedarkey_host_kit::wait;
use serde_json::{Value, json};
use std::fs;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

const LIMITS: &str = r#"
@id("mint.exporter")
permit (
    principal == Workload::"nightly-export",
    action == Action::"mint",
    resource == Team::"payments"
)
when {
    context.lifetime <= duration("10m") &&
    ["orders:read"].containsAll(context.scopes)
};
"#;

/// A project whose workload `nightly-export` may have keys that read orders.
fn with_minting(deployment: &Deployment, login: &Login) -> Result<()> {
    let project = deployment.project();
    let entities = fs::read_to_string(project.join("entities.json"))?;
    let mut entities: Value = serde_json::from_str(&entities)?;
    for entity in entities.as_array_mut().ok_or("no entities")? {
        if entity.pointer("/uid/id").is_some_and(|id| id == "nightly-export") {
            let attrs = entity.pointer_mut("/attrs").ok_or("no attributes")?;
            *attrs = json!({ "spiffeId": "spiffe://example.com/nightly-export" });
        }
    }
    fs::write(project.join("entities.json"), entities.to_string())?;
    fs::create_dir_all(project.join("mint"))?;
    fs::write(project.join("mint/exporter.cedar"), LIMITS)?;
    fs::write(project.join("jwks.json"), login.key_set().to_string())?;
    let mut settings = fs::read_to_string(project.join("cedarkey.toml"))?;
    settings.push_str(&format!(
        "\n[mint]\n[[mint.issuers]]\nissuer = \"{ISSUER}\"\naudience = \"cedarkey\"\njwks = \"jwks.json\"\nspiffe_id = \"spiffe://example.com/{{/sub}}\"\n"
    ));
    fs::write(project.join("cedarkey.toml"), settings)?;
    Ok(())
}

/// Asks for a key; gives the status and the body.
fn mint(publisher: &str, authority: &Authority, jwt: &str, wanted: &Value) -> Result<(u16, Value)> {
    let root = Certificate::from_pem(authority.certificate.as_bytes())?;
    let tls = TlsConfig::builder().root_certs(RootCerts::new_with_certs(&[root])).build();
    let agent = ureq::Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .timeout_global(Some(LIMIT))
        .build()
        .new_agent();
    let mut answer = agent
        .post(format!("{publisher}/v1/tokens"))
        .header("authorization", format!("Bearer {jwt}"))
        .send(wanted.to_string())?;
    let body = answer.body_mut().read_to_string()?;
    Ok((answer.status().as_u16(), serde_json::from_str(&body)?))
}

#[test]
fn a_workload_is_given_a_key_that_is_its_own_and_ends() -> Result<()> {
    let mut deployment = Deployment::new()?;
    let login = Login::new(7);
    with_minting(&deployment, &login)?;
    let authority = Authority::new()?;
    let server = authority.server()?;
    let file = |name: &str, content: &str| -> Result<String> {
        let file = deployment.file(name);
        fs::write(&file, content)?;
        Ok(file.to_string_lossy().into_owned())
    };
    let certificate = file("server.pem", &server.certificate)?;
    let key = file("server.key", &server.key)?;
    let ca = file("ca.pem", &authority.certificate)?;
    // Over TLS, as it is where a publisher mints for other machines.
    let tls = ["--mint", "--tls-cert", &certificate, "--tls-key", &key];
    let port = deployment.publish_with(None, &tls)?.port();
    let publisher = format!("https://127.0.0.1:{port}");
    let push =
        deployment.command(&["push", "--to", &publisher]).env("SSL_CERT_FILE", &ca).output()?;
    assert!(push.status.success(), "{}", String::from_utf8_lossy(&push.stderr));
    let at = format!("127.0.0.1:{port}");
    let files = ["--publisher-ca", &ca, "--listen-cert", &certificate, "--listen-key", &key];
    let rendered = deployment.render(
        &[&["--publisher", &at, "--client-ca", &ca, "--reveal-policies"], &files[..]].concat(),
    )?;
    let envoy = start(&rendered)?;
    in_force(&envoy)?;

    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let jwt = login.token(&json!({
        "iss": ISSUER, "aud": "cedarkey", "sub": "nightly-export", "exp": now + 600,
    }));
    let wanted = |lifetime: &str| json!({ "lifetime": lifetime, "scopes": ["orders:read"] });
    let begun = Instant::now();
    let (status, minted) = mint(&publisher, &authority, &jwt, &wanted("10m"))?;
    assert_eq!(status, 201, "{minted}");
    let given = begun.elapsed();
    let token = minted.pointer("/token").and_then(Value::as_str).ok_or("no token")?;

    let own = authority.workload("spiffe://example.com/nightly-export")?;
    let other = authority.workload("spiffe://example.com/reports")?;
    let read = |identity: &Identity, token: &str| {
        request(&envoy, ("GET", "/v1/orders"), (&authority, identity), &[("x-api-key", token)])
    };
    let reaches = |status: u16, token: &str| {
        wait::until(&format!("the key is answered with {status}"), LIMIT, || {
            (read(&own, token).ok()?.0 == status).then_some(())
        })
    };
    reaches(200, token)?;
    println!(
        "from the workload's request to its key: {} ms, and to the first request that passes: {} ms",
        given.as_millis(),
        begun.elapsed().as_millis()
    );
    // Whoever finds it has not the workload's certificate, at this worker or the other, which may
    // come to know the key later.
    wait::until("the guardrail refuses the key", LIMIT, || {
        let (status, body) = read(&other, token).ok()?;
        assert_ne!(status, 200, "{body}");
        (body.pointer("/policies/0")? == "guardrail.identity").then_some(())
    })?;

    // Its end comes by itself.
    let (status, short) = mint(&publisher, &authority, &jwt, &wanted("4s"))?;
    assert_eq!(status, 201, "{short}");
    let short = short.pointer("/token").and_then(Value::as_str).ok_or("no token")?;
    reaches(200, short)?;
    reaches(403, short)?;
    assert_eq!(read(&own, token)?.0, 200);

    // And earlier, when the workload ends.
    let revoke = ["keys", "revoke", "--workload", "nightly-export", "--reason", "tests", "--push"];
    let revoke = [&revoke[..], &[&publisher]].concat();
    let revoked = deployment.command(&revoke).env("SSL_CERT_FILE", &ca).output()?;
    assert!(revoked.status.success(), "{}", String::from_utf8_lossy(&revoked.stderr));
    reaches(401, token)?;
    Ok(())
}
