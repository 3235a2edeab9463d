//! What a workload proves who it is by.

use super::{EXPORTER, Mint, cause};
use crate::project::Result;
use crate::server::Server;
use cedarkey_host_kit::identities::{Authority, Identity};
use cedarkey_host_kit::wait;
use reqwest::{Certificate, Client};
use serde_json::json;
use std::fs;
use std::time::Duration;

#[test]
fn a_certificate_is_a_proof_as_well() -> Result {
    let mint = Mint::new()?;
    // Pushed before it speaks TLS, which the command would not trust.
    drop(mint.server()?);
    let settings = mint.project.path("shop/cedarkey.toml");
    let text = fs::read_to_string(&settings)?;
    let certificates = "[mint.certificates]\ntrust_domain = 'example.com'\nca = 'ca.pem'\n";
    fs::write(&settings, format!("{text}\n{certificates}"))?;
    let own = mint.authority.server()?;
    for (name, content) in [("server.pem", &own.certificate), ("server.key", &own.key)] {
        fs::write(mint.project.path(name), content)?;
    }
    let (certificate, key) = (mint.project.path("server.pem"), mint.project.path("server.key"));
    let tls = [
        "--mint",
        "--tls-cert",
        &certificate.to_string_lossy(),
        "--tls-key",
        &key.to_string_lossy(),
    ];
    let server = Server::start_with(&mint.project, &tls, |_| ())?;
    let url = server.url.replace("http://127.0.0.1", "https://localhost");
    let client = |identity: Option<&Identity>| -> Result<Client> {
        let root = Certificate::from_pem(mint.authority.certificate.as_bytes())?;
        let mut client = Client::builder().tls_certs_only([root]);
        if let Some(Identity { certificate, key }) = identity {
            let pem = format!("{certificate}{key}");
            client = client.identity(reqwest::Identity::from_pem(pem.as_bytes())?);
        }
        Ok(client.build()?)
    };
    let ask = |identity: Option<&Identity>, jwt: Option<&str>| {
        mint.send(&client(identity)?, &url, jwt, r#"{ "lifetime": "1m" }"#.into())
    };
    let exporter = mint.authority.workload(EXPORTER)?;
    let (status, minted) = ask(Some(&exporter), None)?;
    assert_eq!(status, 201, "{minted}");
    assert_eq!(minted.pointer("/key/spiffeIds"), Some(&json!([EXPORTER])));
    let jwt = mint.jwt("nightly-export");
    assert_eq!(ask(Some(&exporter), Some(&jwt))?.0, 201);
    assert_eq!(ask(None, Some(&jwt))?.0, 201, "who has a JWT needs no certificate");

    let foreign = mint.authority.workload("spiffe://other.com/nightly-export")?;
    let other = mint.authority.workload("spiffe://example.com/other")?;
    let stranger = Authority::new()?.workload(EXPORTER)?;
    for (identity, jwt, expected) in [
        (Some(&foreign), None, (401, "trust_domain")),
        (Some(&other), None, (403, "workload_unknown")),
        (Some(&own), None, (401, "certificate")),
        (Some(&other), Some(&*jwt), (401, "identities_differ")),
        (None, None, (401, "no_proof")),
    ] {
        let (status, body) = ask(identity, jwt)?;
        assert_eq!((status, cause(&body).as_str()), expected);
    }
    ask(Some(&stranger), None).map_or(Ok(()), |answer| Err(format!("{answer:?}")))?;

    // An authority is replaced: who is connected already is looked at again.
    let connected = client(Some(&exporter))?;
    let ask_again = || mint.send(&connected, &url, None, r#"{ "lifetime": "1m" }"#.into());
    assert_eq!(ask_again()?.0, 201);
    fs::write(mint.project.path("shop/ca.pem"), Authority::new()?.certificate)?;
    let refused = wait::until("the certificate is refused", Duration::from_secs(20), || {
        let (status, body) = ask_again().ok()?;
        (status != 201).then(|| (status, cause(&body)))
    })?;
    assert_eq!(refused, (401, "certificate".into()));
    Ok(())
}

#[test]
fn what_cannot_be_understood_as_a_proof_is_not_passed_over() -> Result {
    let mint = Mint::new()?;
    let server = mint.server()?;
    let jwt = mint.jwt("nightly-export");
    let bearer = format!("Bearer {jwt}");
    let url = format!("{}/v1/tokens", server.url);
    let ask = |values: &[&str]| {
        let mut post = Client::new().post(&url);
        for value in values {
            post = post.header("authorization", *value);
        }
        mint.runtime.block_on(async {
            let answer = post.body(r#"{ "lifetime": "1m" }"#).send().await?;
            let status = answer.status().as_u16();
            Ok::<_, reqwest::Error>((status, cause(&answer.json().await?)))
        })
    };
    for values in
        [&[&*bearer, &bearer][..], &["Basic YTpi"], &["Bearer"], &[&jwt], &["Basic YTpi", &bearer]]
    {
        assert_eq!(ask(values)?, (401, "no_bearer".into()), "{values:?}");
    }
    assert_eq!(ask(&[&bearer.replacen("Bearer", "bearer", 1)])?.0, 201);
    drop(server);
    let plain = Server::start(&mint.project)?;
    let url = format!("{}/v1/tokens", plain.url);
    let answer = mint.runtime.block_on(Client::new().post(url).bearer_auth(&jwt).send())?;
    assert_eq!(answer.status().as_u16(), 404);
    Ok(())
}
