//! `POST /v1/tokens` at a publisher: who is given which keys, and what proxies are then told.

mod proofs;
mod pushes;

use crate::project::{Project, Result};
use crate::server::Server;
use cedarkey_bundle::{Archive, Bundle};
use cedarkey_engine::token::KeyHash;
use cedarkey_host_kit::identities::{Authority, ISSUER, Login};
use reqwest::Client;
use serde_json::{Value, json};
use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const LIMITS: &str = r#"
@id("mint.exporter")
permit (principal == Workload::"nightly-export", action, resource == Team::"payments")
when {
    context.lifetime <= duration("10m") &&
    ["orders:read"].containsAll(context.scopes) &&
    context.liveKeys < 30
};

@id("mint.not-from-everywhere")
@reason("keys are for networks of the company")
forbid (principal, action, resource)
when { context.networks.contains(ip("0.0.0.0/0")) };
"#;

const EXPORTER: &str = "spiffe://example.com/nightly-export";

/// A project that mints, and who may be asked who somebody is.
struct Mint {
    project: Project,
    login: Login,
    authority: Authority,
    runtime: tokio::runtime::Runtime,
}

impl Mint {
    fn new() -> Result<Self> {
        let project = Project::new()?;
        let (login, authority) = (Login::new(7), Authority::new()?);
        let shop = project.path("shop");
        let mut entities: Value =
            serde_json::from_str(&fs::read_to_string(shop.join("entities.json"))?)?;
        let list = entities.as_array_mut().ok_or("no entities")?;
        for entity in &mut *list {
            if entity.pointer("/uid/id").is_some_and(|id| id == "nightly-export") {
                entity
                    .pointer_mut("/attrs")
                    .and_then(Value::as_object_mut)
                    .ok_or("no attributes")?
                    .insert("spiffeId".into(), EXPORTER.into());
            }
        }
        let workload = |id: &str, attrs: &Value, teams: &[&str]| {
            let parents = teams.iter().map(|id| json!({ "type": "Team", "id": id }));
            let mut attrs = attrs.clone();
            if let Some(attrs) = attrs.as_object_mut() {
                attrs.insert("spiffeId".into(), format!("spiffe://example.com/{id}").into());
            }
            json!({
                "uid": { "type": "Workload", "id": id }, "attrs": attrs,
                "parents": parents.collect::<Vec<_>>(),
            })
        };
        list.push(workload("live", &json!({ "environment": "live" }), &["payments"]));
        list.push(workload("orphan", &json!({}), &[]));
        list.push(workload("shared", &json!({}), &["payments", "operations"]));
        fs::write(shop.join("entities.json"), entities.to_string())?;
        fs::create_dir(shop.join("mint"))?;
        fs::write(shop.join("mint/limits.cedar"), LIMITS)?;
        fs::write(shop.join("jwks.json"), login.key_set().to_string())?;
        fs::write(shop.join("ca.pem"), &authority.certificate)?;
        let settings = shop.join("cedarkey.toml");
        let mint = format!(
            "[mint]\nmax_lifetime = '30m'\n[[mint.issuers]]\nissuer = '{ISSUER}'\naudience = 'cedarkey'\njwks = 'jwks.json'\nspiffe_id = 'spiffe://example.com/{{/sub}}'\n"
        );
        fs::write(&settings, format!("{}\n{mint}", fs::read_to_string(&settings)?))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(Self { project, login, authority, runtime })
    }

    /// A publisher that mints, with the project's bundle.
    fn server(&self) -> Result<Server> {
        let server = Server::start_with(&self.project, &["--mint"], |_| ())?;
        self.project.run(&["push", "--to", &server.url])?.success()?;
        Ok(server)
    }

    fn jwt(&self, subject: &str) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
        let claims = json!({ "iss": ISSUER, "aud": "cedarkey", "sub": subject, "exp": now.saturating_add(60) });
        self.login.token(&claims)
    }

    /// Asks as somebody; gives the status and the body.
    fn ask(&self, server: &Server, subject: &str, wanted: &Value) -> Result<(u16, Value)> {
        self.send(&Client::new(), &server.url, Some(&self.jwt(subject)), wanted.to_string())
    }

    fn send(
        &self,
        client: &Client,
        url: &str,
        jwt: Option<&str>,
        body: String,
    ) -> Result<(u16, Value)> {
        let mut post = client.post(format!("{url}/v1/tokens")).body(body);
        if let Some(jwt) = jwt {
            post = post.bearer_auth(jwt);
        }
        self.runtime.block_on(async {
            let answer = post.timeout(Duration::from_secs(20)).send().await?;
            Ok((answer.status().as_u16(), answer.json().await?))
        })
    }

    /// The cause for which there is no key.
    fn refuse(&self, server: &Server, subject: &str, wanted: &Value) -> Result<(u16, String)> {
        let (status, body) = self.ask(server, subject, wanted)?;
        Ok((status, cause(&body)))
    }

    /// The bundle that proxies take.
    fn bundle(&self, server: &Server) -> Result<Bundle> {
        let archive = Archive::decode(&server.download("shop")?)?;
        Ok(Bundle::open(archive.envelope.manifest().clone(), archive.segments)?)
    }
}

fn cause(body: &Value) -> String {
    let kind = body.pointer("/type").and_then(Value::as_str).unwrap_or_default();
    kind.trim_start_matches("urn:cedarkey:publisher:").into()
}

fn text<'a>(body: &'a Value, pointer: &str) -> &'a str {
    body.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

#[test]
fn a_key_is_what_policies_allow_and_the_workload_wants() -> Result {
    let mint = Mint::new()?;
    let server = mint.server()?;
    let wanted =
        json!({ "lifetime": "5m", "scopes": ["orders:read"], "reason": "the nightly run" });
    let (status, minted) = mint.ask(&server, "nightly-export", &wanted)?;
    assert_eq!(status, 201, "{minted}");
    let key = mint.project.json(&["keys", "show", text(&minted, "/key/id")])?;
    for (pointer, expected) in [
        ("/owner", json!("team:payments")),
        ("/team", json!("payments")),
        ("/workload", json!("nightly-export")),
        ("/spiffeIds", json!([EXPORTER])),
        ("/scopes", json!(["orders:read"])),
        ("/expires", minted.pointer("/expires").cloned().unwrap_or_default()),
        ("/status", json!("active")),
        ("/purpose", json!("minted for nightly-export")),
    ] {
        assert_eq!(key.pointer(pointer), Some(&expected), "{pointer} of {key}");
    }
    assert_eq!(key.pointer("/approver"), Some(&json!("policy mint.exporter")), "{key}");
    let listed = mint.project.run(&["audit", "list"])?.success()?;
    assert!(listed.contains(EXPORTER), "{listed}");
    assert!(listed.contains("minted by mint.exporter: the nightly run"), "{listed}");

    // Proxies know it, bound as it is.
    let bundle = mint.bundle(&server)?;
    assert_eq!(
        json!(bundle.manifest.version),
        minted.pointer("/version").cloned().unwrap_or_default()
    );
    assert!(bundle.keys.find(&KeyHash::of(text(&minted, "/token"))).is_some());

    // What is not said is the project's to say.
    let (status, usual) = mint.ask(&server, "nightly-export", &json!({}))?;
    assert_eq!((status, cause(&usual).as_str()), (403, "mint_denied"), "15 minutes are too long");
    let (status, short) = mint.ask(&server, "nightly-export", &json!({ "lifetime": "1m" }))?;
    assert_eq!(status, 201, "{short}");
    assert_eq!(short.pointer("/key/scopes"), Some(&json!([])));
    Ok(())
}

#[test]
fn whoever_may_not_have_a_key_is_told_why() -> Result {
    let mint = Mint::new()?;
    let server = mint.server()?;
    let short = json!({ "lifetime": "1m" });
    for (subject, wanted, status, cause) in [
        ("nobody", &short, 403, "workload_unknown"),
        ("live", &short, 403, "workload_environment"),
        ("orphan", &short, 403, "team_none"),
        ("shared", &short, 400, "team_ambiguous"),
        ("shared", &json!({ "team": "payments" }), 403, "mint_denied"),
        ("nightly-export", &json!({ "team": "operations" }), 403, "team_foreign"),
        ("nightly-export", &json!({ "lifetime": "31m" }), 403, "mint_lifetime"),
        ("nightly-export", &json!({ "lifetime": "11m" }), 403, "mint_denied"),
        ("nightly-export", &json!({ "lifetime": "0.9s" }), 400, "mint_body"),
        ("nightly-export", &json!({ "lifetime": "-5m" }), 400, "mint_body"),
        ("nightly-export", &json!({ "scopes": ["orders:write"] }), 403, "mint_denied"),
        ("nightly-export", &json!({ "scopes": ["*"] }), 403, "mint_denied"),
        ("nightly-export", &json!({ "networks": ["0.0.0.0/0"] }), 403, "mint_denied"),
        ("nightly-export", &json!({ "networks": ["here"] }), 400, "mint_body"),
        ("nightly-export", &json!({ "networks": ["1.2.3.4/0"] }), 400, "mint_body"),
        ("nightly-export", &json!({ "lifetime": "1m", "reason": "a\u{7}b" }), 403, "mint_rules"),
        ("nightly-export", &json!({ "owner": "alice@example.com" }), 400, "mint_body"),
        ("../nightly-export", &short, 401, "jwt_naming"),
    ] {
        let refused = mint.refuse(&server, subject, wanted)?;
        assert_eq!(refused, (status, cause.into()), "{subject} {wanted}");
    }
    let (_, body) = mint.ask(&server, "nightly-export", &json!({ "networks": ["0.0.0.0/0"] }))?;
    assert_eq!(text(&body, "/detail"), "keys are for networks of the company");
    let client = Client::new();
    let (status, body) = mint.send(&client, &server.url, None, String::new())?;
    assert_eq!((status, cause(&body).as_str()), (401, "no_proof"));
    let large = "x".repeat(70_000);
    let (status, _) = mint.send(&client, &server.url, Some(&mint.jwt("nobody")), large)?;
    assert_eq!(status, 413);
    let keys = mint.project.json(&["keys", "list"])?;
    assert_eq!(
        keys.as_array().or(keys.pointer("/keys").and_then(Value::as_array)).map(Vec::len),
        Some(0),
        "{keys}"
    );
    Ok(())
}

#[test]
fn many_at_once_share_bundles_and_limits_hold() -> Result {
    let mint = Mint::new()?;
    let server = mint.server()?;
    let before = mint.bundle(&server)?.manifest.version;
    let client = Client::new();
    let jwt = mint.jwt("nightly-export");
    let answers = mint.runtime.block_on(futures_util::future::try_join_all((0..40).map(|_| {
        let post = client.post(format!("{}/v1/tokens", server.url)).bearer_auth(&jwt);
        async {
            let answer = post.body(r#"{ "lifetime": "1m" }"#).send().await?;
            let status = answer.status().as_u16();
            Ok::<_, reqwest::Error>((status, answer.json::<Value>().await?))
        }
    })))?;
    let given: Vec<_> = answers.iter().filter(|(status, _)| *status == 201).collect();
    // Ten of them come to know of thirty others.
    assert_eq!(given.len(), 30, "{answers:?}");
    let bundle = mint.bundle(&server)?;
    for (_, minted) in &given {
        assert!(bundle.keys.find(&KeyHash::of(text(minted, "/token"))).is_some());
    }
    let mut versions: Vec<_> =
        given.iter().filter_map(|(_, minted)| minted.pointer("/version")?.as_u64()).collect();
    versions.sort_unstable();
    versions.dedup();
    println!("{} keys in {} bundles", given.len(), versions.len());
    assert!(versions.len() < 15 && versions.first() > Some(&before), "{versions:?}");
    Ok(())
}

#[test]
fn minting_where_it_cannot_be_served_is_refused() -> Result {
    let plain = Project::new()?;
    let said = plain.run(&["serve", "--mint"])?;
    assert_eq!(said.status, Some(3), "{}", said.stderr);
    assert!(said.stderr.contains("`--mint` needs `[mint]` in cedarkey.toml"), "{}", said.stderr);
    let mint = Mint::new()?;
    let said = mint.project.run(&["serve", "--mint", "--listen", "0.0.0.0:0"])?;
    assert_eq!(said.status, Some(4), "{}", said.stderr);
    assert!(said.stderr.contains("not given in plain HTTP"), "{}", said.stderr);
    let other = "ed25519:O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik=";
    let said =
        mint.project.run(&["serve", "--mint", "--listen", "127.0.0.1:0", "--trusted", other])?;
    assert_eq!(said.status, Some(7), "{}", said.stderr);
    assert!(
        said.stderr.contains("does not take `shop` from the project's own key"),
        "{}",
        said.stderr
    );
    fs::rename(mint.project.path("shop/jwks.json"), mint.project.path("jwks.json"))?;
    let said = mint.project.run(&["serve", "--mint", "--listen", "127.0.0.1:0"])?;
    assert_eq!(said.status, Some(3), "{}", said.stderr);
    assert!(said.stderr.contains("jwks.json` cannot be used"), "{}", said.stderr);
    fs::write(mint.project.path("shop/mint/limits.cedar"), "permit (principal, action, nothing);")?;
    let said = mint.project.run(&["serve", "--mint", "--listen", "127.0.0.1:0"])?;
    assert_eq!(said.status, Some(3), "{}", said.stderr);
    Ok(())
}

/// Who does not wait for its key has none.
#[test]
fn a_key_that_nobody_waits_for_does_not_stay() -> Result {
    let mint = Mint::new()?;
    let server = mint.server()?;
    let (client, jwt) = (Client::new(), mint.jwt("nightly-export"));
    mint.runtime.block_on(async {
        for _ in 0..5 {
            let post = client.post(format!("{}/v1/tokens", server.url)).bearer_auth(&jwt);
            let post = post.body(r#"{ "lifetime": "1m" }"#).timeout(Duration::from_millis(60));
            // It has gone away, or was quick enough to be given one.
            let _ = post.send().await;
        }
    });
    let short = json!({ "lifetime": "1m" });
    let (status, minted) = mint.ask(&server, "nightly-export", &short)?;
    assert_eq!(status, 201, "{minted}");
    let keys = mint.project.json(&["keys", "list", "--status", "active"])?;
    let active = keys.as_array().or(keys.pointer("/keys").and_then(Value::as_array));
    // An answer that is under way when the client goes is the client's.
    println!("{} of 6 are active", active.map_or(0, Vec::len));
    assert!(active.is_some_and(|active| active.len() < 4), "{keys}");
    Ok(())
}
