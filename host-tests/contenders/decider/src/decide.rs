//! A decision.

use crate::route::Router;
use crate::world::{Hash, Kind, World};
use anyhow::Context as _;
use cedar_policy::{
    Authorizer, Context, Decision, Entities, EntityId, EntityTypeName, EntityUid, PolicySet,
    Request, RestrictedExpression,
};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::HashMap;
use std::str::FromStr;

/// Decides with the `cedar-policy` crate.
#[derive(Debug)]
pub struct Decider {
    authorizer: Authorizer,
    policies: PolicySet,
    entities: Entities,
    routes: Router,
    /// The action and the resource of each route.
    endpoints: Vec<(EntityUid, EntityUid)>,
    kinds: Vec<Kind>,
    keys: HashMap<Hash, Known>,
}

/// A key that is in the inventory.
#[derive(Debug)]
struct Known {
    id: String,
    uid: EntityUid,
    kind: usize,
}

/// A request.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its path and query.
    pub path: &'a str,
    /// Its key, if it has one.
    pub key: Option<&'a str>,
}

/// What becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer<'a> {
    /// It passes.
    Allow {
        /// The id of its key.
        id: &'a str,
        /// Who answers for the key.
        owner: &'a str,
    },
    /// It does not.
    Deny {
        /// The HTTP status.
        status: u16,
        /// A problem (RFC 9457).
        body: String,
    },
}

// === impl Decider ===

impl Decider {
    /// Gets ready.
    ///
    /// # Errors
    ///
    /// Something in the world cannot be read.
    pub fn new(world: World) -> anyhow::Result<Self> {
        let mut keys = HashMap::with_capacity(world.keys.len());
        let mut entities = world.entities;
        for key in world.keys {
            let kind = world.kinds.get(key.kind).context("there is no such kind of key")?;
            entities.push(kind.entity(&key.id));
            let known = Known { uid: uid("ApiKey", &key.id)?, id: key.id, kind: key.kind };
            keys.insert(Hash::parse(&key.hash)?, known);
        }
        let endpoint = |route: &crate::Route| {
            Ok((uid("Action", &route.action)?, uid("Endpoint", &route.resource)?))
        };
        let endpoints = world.routes.iter().map(endpoint).collect::<anyhow::Result<_>>()?;
        Ok(Self {
            authorizer: Authorizer::new(),
            policies: PolicySet::from_str(&world.policies)?,
            entities: Entities::from_json_value(Value::Array(entities), None)?,
            routes: Router::new(world.routes),
            endpoints,
            kinds: world.kinds,
            keys,
        })
    }

    /// Decides a request. Whatever goes wrong is a denial.
    #[must_use]
    pub fn decide(&self, call: &Call<'_>) -> Answer<'_> {
        let Some(key) = call.key.and_then(|key| self.keys.get(&Hash::of(key))) else {
            return Answer::deny(401, "the API key is not valid");
        };
        let route = self.routes.find(call.method, call.path);
        let Some((action, resource)) = route.and_then(|(at, _)| self.endpoints.get(at)) else {
            return Answer::deny(403, "there is nothing here that an API key may do");
        };
        let Ok(request) = request(key, action, resource) else {
            return Answer::deny(403, "the request cannot be authorized");
        };
        let response = self.authorizer.is_authorized(&request, &self.policies, &self.entities);
        let owner = self.kinds.get(key.kind).map(|kind| kind.owner.as_str());
        if response.decision() == Decision::Allow
            && response.diagnostics().errors().next().is_none()
            && let Some(owner) = owner
        {
            return Answer::Allow { id: &key.id, owner };
        }
        let policy = response.diagnostics().reason().next();
        let reason = policy.and_then(|id| self.policies.policy(id)?.annotation("reason"));
        Answer::deny(403, reason.unwrap_or("the API key is not permitted to do this"))
    }
}

// === impl Answer ===

impl Answer<'_> {
    /// A denial, with a reason that needs no escaping.
    #[must_use]
    pub fn deny(status: u16, reason: &str) -> Self {
        let body = format!(r#"{{"type":"about:blank","status":{status},"detail":"{reason}"}}"#);
        Self::Deny { status, body }
    }
}

fn request(key: &Known, action: &EntityUid, resource: &EntityUid) -> anyhow::Result<Request> {
    let now = format!("{:.0}", Timestamp::now());
    let context = Context::from_pairs([
        ("now".into(), RestrictedExpression::new_datetime(now)),
        ("inNetworks".into(), RestrictedExpression::new_bool(true)),
        ("peerMatches".into(), RestrictedExpression::new_bool(true)),
    ])?;
    Ok(Request::new(key.uid.clone(), action.clone(), resource.clone(), context, None)?)
}

fn uid(kind: &str, id: &str) -> anyhow::Result<EntityUid> {
    let kind = EntityTypeName::from_str(kind)?;
    Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
}
