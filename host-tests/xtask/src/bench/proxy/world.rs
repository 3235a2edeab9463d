//! The keys, the rules and the requests, in the form that each contender takes.

use super::contender::Contender;
use super::setting::{Requests, Setting};
use anyhow::{Context, anyhow};
use cedarkey_bundle::Digest;
use cedarkey_host_kit::bulk::Template;
use cedarkey_host_kit::deployment::Deployment;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs;

/// The keys and the rules.
#[derive(Debug)]
pub struct World {
    /// All of it, for the programs of `host-tests/contenders`.
    pub json: Value,
    /// The teams that policies speak of.
    pub teams: Vec<String>,
    /// The token of each key, and the team that it belongs to; the first so many of all.
    tokens: Vec<(String, usize)>,
    /// Tokens that nobody has issued.
    unknown: Vec<String>,
    /// The teams that have keys.
    members: Vec<String>,
}

/// How many kinds of keys there are, each of another team.
pub const KINDS: usize = 4;

/// How many requests are sent before the first comes again.
const MIX: u64 = 10_000;

/// From so many on, the keys are told to nobody but cedarkey: others take them in one piece.
const MOST_TOLD: u64 = 20_000;

/// The guardrails of a new project: so many of its policies are not grants.
const GUARDRAILS: u32 = 6;

/// Who answers for the keys of a team.
pub fn owner(team: &str) -> String {
    format!("team:{team}")
}

/// Turns a new project into one with so many policies, most of them grants to one team each. Gives
/// the teams.
pub fn rewrite(deployment: &Deployment, policies: u32) -> anyhow::Result<Vec<String>> {
    let project = deployment.project();
    let count = policies.saturating_sub(GUARDRAILS);
    let teams: Vec<_> = (0..count).map(|number| format!("team-{number}")).collect();
    fs::remove_dir_all(project.join("policies/grants"))?;
    fs::remove_dir_all(project.join("tests"))?;
    fs::create_dir(project.join("policies/grants"))?;
    fs::write(project.join("policies/grants/teams.cedar"), grants(&teams)?)?;
    let mut entities: Vec<_> = teams.iter().map(|team| entity("Team", team)).collect();
    entities.push(entity("Service", "orders"));
    fs::write(project.join("entities.json"), serde_json::to_vec(&entities)?)?;
    Ok(teams)
}

fn entity(kind: &str, id: &str) -> Value {
    json!({ "uid": { "type": kind, "id": id }, "attrs": {}, "parents": [] })
}

fn grants(teams: &[String]) -> anyhow::Result<String> {
    let mut text = String::new();
    for team in teams {
        writeln!(
            text,
            "@id(\"grant.{team}\")\npermit (\n    principal in Team::\"{team}\",\n    \
             action == Action::\"orders.read\",\n    resource in Service::\"orders\"\n);"
        )?;
    }
    Ok(text)
}

// === impl World ===

impl World {
    /// Of a project as [`rewrite`] leaves it, with these teams.
    pub fn new(
        deployment: &Deployment,
        template: &Template,
        teams: Vec<String>,
        setting: &Setting,
    ) -> anyhow::Result<Self> {
        let token = |number| template.token(number).map_err(|error| anyhow!(error));
        let told = setting.keys.min(MOST_TOLD);
        let spread = |at: u64| match setting.keys <= told {
            true => at,
            false => at.saturating_mul(setting.keys).checked_div(told).unwrap_or_default(),
        };
        let mut tokens = Vec::new();
        for number in (0..told).map(spread) {
            tokens.push((token(number)?, kind(number)));
        }
        let unknown = (0..100).map(|at| token(setting.keys.saturating_add(at)));
        let unknown = unknown.collect::<anyhow::Result<_>>()?;
        let members: Vec<_> = members(&teams).cloned().collect();
        let keys: Vec<_> = tokens
            .iter()
            .enumerate()
            .map(|(number, (token, kind))| {
                let hash = Digest::of(token.as_bytes()).to_string();
                json!({ "id": format!("key-{number}"), "hash": hash, "kind": kind })
            })
            .collect();
        let kinds: Vec<_> = members.iter().map(|team| kind_of(team)).collect();
        let mut entities: Vec<_> = teams.iter().map(|team| entity("Team", team)).collect();
        entities.push(entity("Service", "orders"));
        let routes = routes();
        entities.extend(routes.iter().map(endpoint));
        let json = json!({
            "policies": policies(deployment)?,
            "rego": rego(&teams)?,
            "entities": entities,
            "routes": routes,
            "kinds": kinds,
            "keys": keys,
        });
        Ok(Self { json, teams, tokens, unknown, members })
    }

    /// All tokens, and who answers for each.
    pub fn tokens(&self) -> impl Iterator<Item = (&str, String)> {
        self.tokens.iter().map(|(token, kind)| {
            let team = self.members.get(*kind).map(String::as_str).unwrap_or_default();
            (token.as_str(), owner(team))
        })
    }

    /// Whether the keys are more than only cedarkey can be told.
    pub fn is_large(setting: &Setting) -> bool {
        setting.keys > MOST_TOLD
    }

    /// The requests that are sent in turn, with the statuses that they must be answered with.
    pub fn mix(&self, contender: &Contender, setting: &Setting) -> Vec<Value> {
        let count = MIX.max(1);
        (0..count)
            .filter_map(|number| {
                let asked = match (setting.requests, number % 10) {
                    (Requests::Mixed, 3) => Requests::DenyUnknownKey,
                    (Requests::Mixed, 7) => Requests::DenyPolicy,
                    (Requests::Mixed, _) => Requests::Allow,
                    (asked, _) => asked,
                };
                self.ask(asked, usize::try_from(number).ok()?, contender, setting)
            })
            .collect()
    }

    fn ask(
        &self,
        asked: Requests,
        number: usize,
        contender: &Contender,
        setting: &Setting,
    ) -> Option<Value> {
        let known = || Some(&self.tokens.get(number.checked_rem(self.tokens.len())?)?.0);
        let (method, key, status) = match asked {
            Requests::DenyUnknownKey => {
                let at = number.checked_div(10)?.checked_rem(self.unknown.len())?;
                ("GET", self.unknown.get(at)?, 401)
            }
            Requests::DenyPolicy => ("DELETE", known()?, 403),
            Requests::Allow | Requests::Mixed => ("GET", known()?, 200),
        };
        let mut headers = vec![
            json!(["x-api-key", key]),
            json!(["user-agent", "bench"]),
            json!(["accept", "application/json"]),
        ];
        let more = 3..setting.headers;
        headers.extend(more.map(|at| json!([format!("x-header-{at}"), format!("value {at}")])));
        Some(json!({
            "method": method,
            "path": format!("/v1/orders/{number}"),
            "headers": headers,
            "status": if contender.decides() { status } else { 200 },
        }))
    }
}

/// The kind of a key.
pub fn kind(number: u64) -> usize {
    usize::try_from(number).unwrap_or_default() % KINDS
}

/// The teams that have keys: from the first to the last, as far apart as can be.
pub fn members(teams: &[String]) -> impl Iterator<Item = &String> {
    let last = teams.len().saturating_sub(1);
    (0..KINDS).filter_map(move |kind| teams.get(last.saturating_mul(kind) / (KINDS - 1)))
}

fn kind_of(team: &str) -> Value {
    json!({
        "team": team,
        "owner": owner(team),
        "scopes": ["orders:read"],
        "environment": "development",
        "created": "2020-01-01T00:00:00Z",
        "expires": "9999-01-01T00:00:00Z",
    })
}

/// As in the standard library's `routes.yaml`.
fn routes() -> Vec<Value> {
    let route = |methods: &[&str], path: &str, action: &str| {
        json!({
            "methods": methods,
            "path": path,
            "action": action,
            "resource": format!("{} {path}", methods.join(",")),
            "scopes": [action.replace('.', ":")],
        })
    };
    vec![
        route(&["GET"], "/v1/orders", "orders.read"),
        route(&["GET"], "/v1/orders/{orderId}", "orders.read"),
        route(&["POST"], "/v1/orders", "orders.write"),
        route(&["PUT", "DELETE"], "/v1/orders/{orderId}", "orders.write"),
    ]
}

fn endpoint(route: &Value) -> Value {
    json!({
        "uid": { "type": "Endpoint", "id": route["resource"] },
        "attrs": { "environment": "development", "requiredScopes": route["scopes"] },
        "parents": [{ "type": "Service", "id": "orders" }],
    })
}

/// The policies of the project, in one piece.
fn policies(deployment: &Deployment) -> anyhow::Result<String> {
    let mut all = String::new();
    for folder in ["guardrails", "grants"] {
        let folder = deployment.project().join("policies").join(folder);
        for entry in fs::read_dir(&folder).context("the project's policies")? {
            all.push_str(&fs::read_to_string(entry?.path())?);
            all.push('\n');
        }
    }
    Ok(all)
}

/// The same policies in Rego.
fn rego(teams: &[String]) -> anyhow::Result<String> {
    let mut text = String::from(include_str!("guardrails.rego"));
    for team in teams {
        writeln!(
            text,
            "permit if {{ input.key.team == \"{team}\"; \
             input.endpoint.action == \"orders.read\" }}"
        )?;
    }
    Ok(text)
}
