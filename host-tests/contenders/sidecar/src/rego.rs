//! The same rules in Rego, evaluated by `regorus`: each policy is a rule.

use anyhow::Context as _;
use contenders_decider::{Answer, Call, Hash, Kind, Router, World};
use regorus::{CompiledPolicy, Engine, Value};
use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

/// The rule that decides: empty where the request is allowed, else why it is not.
const RULE: &str = "data.authz.answer";

/// Decides with Rego.
pub struct Rego {
    policy: CompiledPolicy,
    routes: Router,
    /// What policies read of the endpoint of each route.
    endpoints: Vec<Value>,
    kinds: Vec<Kind>,
    keys: HashMap<Hash, Known>,
}

/// A key that is in the inventory.
struct Known {
    id: String,
    kind: usize,
    /// What policies read of it.
    value: Value,
}

// === impl Rego ===

impl Rego {
    /// Gets ready.
    pub fn new(world: World) -> anyhow::Result<Self> {
        let mut engine = Engine::new();
        engine.add_policy("authz.rego".into(), world.rego)?;
        let policy = engine.compile_with_entrypoint(&RULE.into())?;
        let mut keys = HashMap::with_capacity(world.keys.len());
        for key in world.keys {
            let kind = world.kinds.get(key.kind).context("there is no such kind of key")?;
            let value = serde_json::json!({
                "team": kind.team,
                "scopes": kind.scopes,
                "environment": kind.environment,
                "created": milliseconds(&kind.created)?,
                "expires": milliseconds(&kind.expires)?,
                "revoked": false,
            });
            let value = Value::from_json_str(&value.to_string())?;
            keys.insert(Hash::parse(&key.hash)?, Known { id: key.id, kind: key.kind, value });
        }
        let routes = Router::new(world.routes);
        let endpoint = |route: &contenders_decider::Route| {
            let value = serde_json::json!({ "action": route.action, "scopes": route.scopes });
            Value::from_json_str(&value.to_string())
        };
        let endpoints = routes.iter().map(endpoint).collect::<anyhow::Result<_>>()?;
        Ok(Self { policy, routes, endpoints, kinds: world.kinds, keys })
    }

    /// Decides a request. Whatever goes wrong is a denial.
    pub fn decide(&self, call: &Call<'_>) -> Answer<'_> {
        let Some(key) = call.key.and_then(|key| self.keys.get(&Hash::of(key))) else {
            return Answer::deny(401, "the API key is not valid");
        };
        let route = self.routes.find(call.method, call.path);
        let Some(endpoint) = route.and_then(|(at, _)| self.endpoints.get(at)) else {
            return Answer::deny(403, "there is nothing here that an API key may do");
        };
        let Ok(answer) = self.evaluate(key, endpoint) else {
            return Answer::deny(403, "the request cannot be authorized");
        };
        match (answer.as_string(), self.kinds.get(key.kind)) {
            (Ok(reason), Some(kind)) if reason.is_empty() => {
                Answer::Allow { id: &key.id, owner: &kind.owner }
            }
            (Ok(reason), _) => Answer::deny(403, reason),
            (Err(_), _) => Answer::deny(403, "the request cannot be authorized"),
        }
    }

    fn evaluate(&self, key: &Known, endpoint: &Value) -> anyhow::Result<Value> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        let mut input = Value::new_object();
        let fields = input.as_object_mut()?;
        fields.insert("key".into(), key.value.clone());
        fields.insert("endpoint".into(), endpoint.clone());
        fields.insert("now".into(), Value::from(u64::try_from(now)?));
        fields.insert("in_networks".into(), Value::from(true));
        fields.insert("peer_matches".into(), Value::from(true));
        self.policy.eval_with_input(input)
    }
}

/// An instant in milliseconds since 1970.
fn milliseconds(text: &str) -> anyhow::Result<i64> {
    let instant: jiff::Timestamp = text.parse()?;
    Ok(instant.as_millisecond())
}
