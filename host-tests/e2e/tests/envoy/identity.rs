//! Facts that a proxy has proved: the peer's certificate and the claims of a JWT. Envoy verifies
//! both; the filter reads what it found.

use cedarkey_host_kit::deployment::{Deployment, Result, start};
use cedarkey_host_kit::envoy::Envoy;
use cedarkey_host_kit::identities::{Authority, ISSUER, Identity, Login};
use cedarkey_host_kit::tools;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

const MANAGER: &str = "/static_resources/listeners/0/filter_chains/0";

/// Puts the example's policies into a deployment's project.
fn with_example(deployment: &Deployment) -> Result<()> {
    let example = tools::workspace().join("examples/workload-identity");
    let project = deployment.project();
    fs::remove_dir_all(project.join("policies"))?;
    fs::remove_dir_all(project.join("tests"))?;
    copy(&example, &project)
}

/// Copies a folder into another, but for the settings, which name the deployment's own key.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let (path, target) = {
            let entry = entry?;
            (entry.path(), to.join(entry.file_name()))
        };
        if path.is_dir() {
            copy(&path, &target)?;
        } else if path.file_name().is_none_or(|name| name != "cedarkey.toml") {
            fs::copy(&path, &target)?;
        }
    }
    Ok(())
}

/// The rendered configuration, with a listener that wants certificates and verifies JWTs.
fn verifying(
    rendered: &str,
    server: &Identity,
    authority: &Authority,
    login: &Login,
) -> Result<String> {
    let mut config: Value = serde_saphyr::from_str(rendered)?;
    let text = |text: &str| json!({ "inline_string": text });
    let tls = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext";
    let chain = config.pointer_mut(MANAGER).and_then(Value::as_object_mut).ok_or("no chain")?;
    chain.insert(
        "transport_socket".into(),
        json!({
            "name": "envoy.transport_sockets.tls",
            "typed_config": {
                "@type": tls,
                "require_client_certificate": true,
                "common_tls_context": {
                    "tls_certificates": [{
                        "certificate_chain": text(&server.certificate),
                        "private_key": text(&server.key),
                    }],
                    "validation_context": { "trusted_ca": text(&authority.certificate) },
                },
            },
        }),
    );
    let filters = format!("{MANAGER}/filters/0/typed_config/http_filters");
    let filters = config.pointer_mut(&filters).and_then(Value::as_array_mut).ok_or("no filters")?;
    let provider = json!({
        "issuer": ISSUER,
        "local_jwks": text(&login.key_set().to_string()),
        "payload_in_metadata": "payload",
    });
    let jwt = json!({
        "name": "envoy.filters.http.jwt_authn",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
            "providers": { "login": provider },
            "rules": [{
                "match": { "prefix": "/" },
                "requires": { "requires_any": { "requirements": [
                    { "provider_name": "login" },
                    { "allow_missing": {} },
                ] } },
            }],
        },
    });
    filters.insert(0, jwt);
    Ok(config.to_string())
}

/// Sends a request over TLS; gives the status and the body.
pub fn request(
    envoy: &Envoy,
    (method, path): (&str, &str),
    (authority, identity): (&Authority, &Identity),
    headers: &[(&str, &str)],
) -> Result<(u16, Value)> {
    let certificate = Certificate::from_pem(identity.certificate.as_bytes())?;
    let key = PrivateKey::from_pem(identity.key.as_bytes())?;
    let root = Certificate::from_pem(authority.certificate.as_bytes())?;
    let tls = TlsConfig::builder()
        .client_cert(Some(ClientCert::new_with_certs(&[certificate], key)))
        .root_certs(RootCerts::new_with_certs(&[root]))
        .build();
    let agent = ureq::Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .build()
        .new_agent();
    let url = format!("https://localhost:{}{path}", envoy.listener("api")?.port());
    let mut request = ureq::http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut response = agent.run(request.body(())?)?;
    let body = response.body_mut().read_to_string()?;
    Ok((response.status().as_u16(), serde_json::from_str(&body).unwrap_or_default()))
}

#[test]
fn certificates_and_claims_that_envoy_has_verified_decide() -> Result<()> {
    let deployment = Deployment::new()?;
    with_example(&deployment)?;
    let tested = deployment.cedarkey(&["test"])?;
    assert!(tested.ends_with("17 passed, 0 failed"), "{tested}");
    let issue = |arguments: &[&str]| {
        deployment.issue(&[&["--owner", "team:operations"], arguments].concat())
    };
    let export = issue(&["--workload", "nightly-export", "--scope", "orders:read"])?;
    let operator = issue(&["--team", "operations", "--scope", "orders:admin"])?;
    let seed = deployment.file("seed.ckb");
    let seed = seed.to_string_lossy();
    deployment.cedarkey(&["build", "-o", &seed])?;

    let authority = Authority::new()?;
    let server = authority.server()?;
    let login = Login::new(7);
    let rendered = deployment.render(&["--seed", &seed, "--reveal-policies"])?;
    let envoy = start(&verifying(&rendered, &server, &authority, &login)?)?;

    let own = authority.workload("spiffe://example.com/nightly-export")?;
    let other = authority.workload("spiffe://example.com/reports")?;
    let read = |identity: &Identity, headers: &[(&str, &str)]| {
        let headers = [&[("x-api-key", export.token.as_str())], headers].concat();
        request(&envoy, ("GET", "/v1/orders"), (&authority, identity), &headers)
    };
    assert_eq!(read(&own, &[])?.0, 200);
    let forged = [("x-forwarded-client-cert", "URI=spiffe://example.com/nightly-export")];
    for headers in [&[][..], &forged] {
        let (status, body) = read(&other, headers)?;
        let policy = body.pointer("/policies/0").and_then(Value::as_str);
        assert_eq!((status, policy), (403, Some("guardrail.workload")), "{body}");
    }

    let claims = |admin: Value| json!({ "iss": ISSUER, "sub": "ada", "admin": admin });
    let administer = |token: Option<String>| {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let key = ("x-api-key", operator.token.as_str());
        let bearer = bearer.as_deref().map(|bearer| ("authorization", bearer));
        let headers: Vec<_> = [key].into_iter().chain(bearer).collect();
        request(&envoy, ("POST", "/v1/admin/reindex"), (&authority, &other), &headers)
    };
    let status = |token| administer(token).map(|(status, _)| status);
    assert_eq!(status(Some(login.token(&claims(true.into()))))?, 200);
    assert_eq!(status(Some(login.token(&claims(false.into()))))?, 403);
    assert_eq!(status(Some(login.token(&claims("true".into()))))?, 403, "a text is no boolean");
    assert_eq!(status(None)?, 403);
    let stranger = Login::new(8);
    assert_eq!(status(Some(stranger.token(&claims(true.into()))))?, 401, "refused by Envoy");
    Ok(())
}
