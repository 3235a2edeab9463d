//! Requests that are written to be read otherwise by the upstream than by the filter.

use crate::issue;
use axum::{Json, Router, extract::Request};
use cedarkey_host_kit::deployment::{
    Deployment, Issued, Result, configure, in_force, request, start,
};
use cedarkey_host_kit::envoy::Envoy;
use cedarkey_host_kit::upstream::Upstream;
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Map, Value, json};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

/// A broad route with a narrow one in it.
const ROUTES: &str = "
  - method: '*'
    path: /v1/open/{rest...}
    action: orders.read
    scopes: [orders:read]
  - method: '*'
    path: /v1/open/secret
    action: orders.admin
    scopes: [orders:admin]
  - method: DELETE
    path: /v1/open/{rest...}
    action: orders.admin
    scopes: [orders:admin]
  - method: GET
    host: '*.example.com'
    path: /v1/host
    action: orders.read
    scopes: [orders:read]
";

const POLICIES: &str = r#"
@id("no.debug")
forbid (principal, action, resource) when { context.headers has "x-debug" };
@id("no.trace")
forbid (principal, action, resource)
when { context.query has trace && context.query.trace == "1" };
@id("no.dry-run")
forbid (principal, action, resource)
when { context.query has trace && context.query.trace like "0*" };
@id("no.elsewhere")
forbid (principal, action, resource)
when { context.headers has "x-region" && !(context.headers["x-region"] like "eu*") };
@id("no.hidden")
forbid (principal, action, resource) when { context.path like "/v1/open/hidden*" };
"#;

/// Tells which trailers came with the body.
async fn trailers(request: Request) -> Json<Value> {
    let body = request.into_body().collect().await.ok();
    let trailers = body.and_then(|body| body.trailers().cloned()).unwrap_or_default();
    let shown = trailers.iter().map(|(name, value)| {
        (name.to_string(), Value::from(String::from_utf8_lossy(value.as_bytes())))
    });
    Json(Value::Object(shown.collect::<Map<_, _>>()))
}

/// A proxy that lets trailers through and writes an access log.
#[expect(clippy::indexing_slicing, reason = "it makes the fields of a configuration of JSON")]
fn deploy(normalise: bool) -> Result<(Deployment, Issued, Envoy)> {
    let mut deployment = Deployment::new()?;
    deployment.upstream = Upstream::serve(Router::new().fallback(trailers))?;
    let project = deployment.project();
    let append = |name: &str, more: &str| -> Result<()> {
        let file = project.join(name);
        Ok(fs::write(&file, fs::read_to_string(&file)? + more)?)
    };
    append("routes.yaml", ROUTES)?;
    fs::write(project.join("policies/attacks.cedar"), POLICIES)?;
    let schema = project.join("schema.cedarschema");
    let text = fs::read_to_string(&schema)?;
    let text = text.replace("query: {}", "query: { trace?: String }");
    fs::write(&schema, text.replace("\"x-region\"?", "\"x-debug\"?: String, \"x-region\"?"))?;
    deployment.publish(None)?;
    let reader = issue(&deployment, "90d")?;
    deployment.push()?;

    let publisher = deployment.publisher()?.replace("http://", "");
    let rendered = deployment.render(&["--publisher", &publisher, "--format", "json"])?;
    let mut config: Value = serde_json::from_str(&rendered)?;
    let manager = config
        .pointer_mut("/static_resources/listeners/0/filter_chains/0/filters/0/typed_config")
        .ok_or("there is no connection manager")?;
    manager["http_protocol_options"] = json!({ "enable_trailers": true });
    manager["normalize_path"] = json!(normalise);
    let log = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog";
    let path = deployment.file("access.log");
    manager["access_log"] = json!([{
        "name": "file", "typed_config": { "@type": log, "path": path },
    }]);
    let places = json!([{ "header": "x-api-key" }, { "bearer": true }, { "query": "api_key" }]);
    configure(&mut manager["http_filters"][0], |own| drop(own.insert("key_from".into(), places)))?;
    let options = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    config["static_resources"]["clusters"][0]["typed_extension_protocol_options"] = json!({
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": options,
            "explicit_http_config": { "http_protocol_options": { "enable_trailers": true } },
        },
    });
    let envoy = start(&config.to_string())?;
    in_force(&envoy)?;
    Ok((deployment, reader, envoy))
}

/// Sends bytes as they are, and gives all that comes back.
fn raw(envoy: &Envoy, bytes: &[u8]) -> Result<String> {
    let mut stream = TcpStream::connect(envoy.listener("api")?)?;
    stream.write_all(bytes)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

#[test]
fn a_request_that_can_be_read_otherwise_does_not_pass() -> Result<()> {
    let (_deployment, reader, envoy) = deploy(false)?;
    let get = |target: &str, host: &str, more: &[u8]| {
        let token = &reader.token;
        let head = format!(
            "GET {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\nx-api-key: {token}\r\n"
        );
        raw(&envoy, &[head.as_bytes(), more, b"\r\n"].concat())
    };
    for target in ["/v1/open/a", "/v1/open/a/", "/v1/open/secrets", "/v1/open/a?trace=2"] {
        assert_eq!(status(&get(target, "h", b"")?), "200", "{target}");
    }
    for target in [
        "/v1/open/secret",
        "/v1/open/secret/",
        "/v1/open/secret;a=b",
        "/v1/open/secret;",
        "/v1/open/secret%3ba",
        "/v1/open/%73ecret",
        "/v1/open/a/../secret",
        "/v1/open/a/..;/secret",
        "/v1/open/hidden",
        "/v1/open/%68idden",
        "/v1/open/a?trace=1",
        "/v1/open/a?trace=1&trace=1",
        "/v1/open/a?trace=2&tr%61ce=1",
        "/v1/open/a?trace=%zz",
    ] {
        assert_eq!(status(&get(target, "h", b"")?), "403", "{target}");
    }
    assert_eq!(status(&get("/v1/open/a", "h", b"x-debug: \xff\r\n")?), "403");
    // What holds the key is taken out afterwards, and must not have been decided on.
    let token = &reader.token;
    for target in [format!("/v1/open/a?trace=2{token}"), format!("/v1/open/a?b&trace=2;{token}")] {
        assert_eq!(status(&get(&target, "h", b"")?), "403", "{target}");
    }
    assert_eq!(status(&get("/v1/open/a", token, b"")?), "403", "the host");
    for (region, expected) in [
        ("x-region: eu\r\n", "200"),
        ("x-region: us\r\n", "403"),
        ("x-region: eu KEY\r\n", "403"),
        ("x-region: eu\r\nx-region: KEY\r\n", "403"),
        ("x-other: eu KEY\r\n", "200"),
    ] {
        let header = region.replace("KEY", token);
        assert_eq!(status(&get("/v1/open/a", "h", header.as_bytes())?), expected, "{region}");
    }
    assert_eq!(status(&get("/v1/open/a", "h", b"x_debug: 1\r\n")?), "400");
    assert_eq!(status(&get("/v1/host", "a.example.com", b"")?), "200");
    for host in [".example.com", "a..example.com", ".example.com.", "h", ""] {
        assert_eq!(status(&get("/v1/host", host, b"")?), "403", "{host}");
    }
    Ok(())
}

#[test]
fn a_method_in_lower_case_is_not_another_one() -> Result<()> {
    let (_deployment, reader, envoy) = deploy(true)?;
    let address = envoy.listener("api")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let of = |method: &'static str| {
        let token = reader.token.clone();
        runtime.block_on(async move {
            let stream = TokioIo::new(tokio::net::TcpStream::connect(address).await?);
            let (mut sender, connection) =
                hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await?;
            tokio::spawn(connection);
            let request = hyper::Request::builder()
                .method(method)
                .uri("http://h/v1/open/a")
                .header("x-api-key", token)
                .body(Empty::<Bytes>::new())?;
            Result::Ok(sender.send_request(request).await?.status().as_u16())
        })
    };
    assert_eq!(of("GET")?, 200);
    assert_eq!(of("DELETE")?, 403);
    // There is a route for any method; an upstream may serve it as `DELETE`.
    assert_eq!(of("Delete")?, 403);
    assert_eq!(of("delete")?, 403);
    Ok(())
}

#[test]
fn trailers_and_logs_get_no_key_and_nothing_forged() -> Result<()> {
    let (deployment, reader, envoy) = deploy(true)?;
    let token = reader.token.as_str();
    let sent = format!(
        "GET /v1/open/a HTTP/1.1\r\nhost: h\r\nx-api-key: {token}\r\nconnection: close\r\n\
         te: trailers\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\
         X-Cedarkey-Owner: root\r\nx-api-key: {token}\r\nauthorization: Bearer {token}\r\n\
         x-checksum: 1\r\n\r\n"
    );
    let answer = raw(&envoy, sent.as_bytes())?;
    assert_eq!(status(&answer), "200", "{answer}");
    assert!(answer.ends_with(r#"{"x-checksum":"1"}"#), "{answer}");

    // Denied for its scope, with a key that is good.
    let denied = request(&envoy, "DELETE", &format!("/v1/open/a?b=1&api_key={token}"), &[])?;
    assert_eq!(denied.status, 403, "{denied:?}");
    drop(envoy);
    let log = fs::read_to_string(deployment.file("access.log"))?;
    assert!(log.contains("DELETE /v1/open/a?b=1 HTTP"), "{log}");
    assert!(!log.contains(token), "{log}");
    Ok(())
}

#[test]
fn a_denial_is_no_success_whatever_the_content_type() -> Result<()> {
    let (_deployment, _, envoy) = deploy(true)?;
    for kind in ["application/grpc;a", "application/grpc ;a", "application/grpc-web", "a"] {
        let answer = request(&envoy, "GET", "/v1/open/a", &[("content-type", kind)])?;
        assert_eq!(answer.status, 401, "{kind}: {answer:?}");
    }
    let grpc = request(&envoy, "GET", "/v1/open/a", &[("content-type", "application/grpc+x")])?;
    assert_eq!((grpc.status, grpc.header("grpc-status")), (200, Some("16")));
    assert_eq!(grpc.header("cache-control"), Some("no-store"));
    Ok(())
}
