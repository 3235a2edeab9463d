//! The whole way from a request to a permit or a denial, the same in every host.
//!
//! ```text
//! credential -> token -> key -> path and host -> route -> candidates -> facts -> decision
//! ```
//!
//! The gate asks the host only for the facts that the candidate policies read.

mod context;
mod host;
mod verdict;

pub use host::{Claim, Host};
pub use verdict::{Cause, Denial, Permit, Verdict};

use crate::decide::{Decision, EvalError, Evaluation, Query};
use crate::http::{host as authority, is_method, path::Target};
use crate::key::{KEY_ID_LEN, KeyRecord, Keys, Unreadable};
use crate::model::{Effect, Model};
use crate::request::{LocalEntity, Pools, Request};
use crate::route::{Captures, Routes};
use crate::token::{KeyHash, MAX_LEN, Token, holds};
use crate::value::{Field, Span, Uid, Value};
use alloc::string::String;
use alloc::vec::Vec;

/// The entity type of a key's principal.
pub const KEY_TYPE: &str = "ApiKey";

/// What a decision is made with: one version of one bundle.
#[derive(Debug)]
pub struct Gate<'a, K> {
    /// Policies, entities, profiles.
    pub model: &'a Model,
    /// From method, host and path to action and resource.
    pub routes: &'a Routes,
    /// The inventory.
    pub keys: &'a K,
    /// What a forbid that cannot be evaluated means.
    pub on_policy_error: OnPolicyError,
}

/// What to do when the evaluation of a `forbid` fails, which Cedar treats as if it were not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnPolicyError {
    /// As Cedar does: the policy does not apply.
    Cedar,
    /// Deny.
    #[default]
    Deny,
}

/// The request as it was received.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The method, as sent.
    pub method: &'a str,
    /// The `Host` or `:authority`, as sent.
    pub authority: &'a str,
    /// The path and query, as sent.
    pub target: &'a str,
    /// The token that was presented, if any.
    pub credential: Option<&'a str>,
}

/// Reusable space to decide in, and the details of the last decision.
#[derive(Debug, Default)]
pub struct Session {
    pub(crate) request: Request,
    pub(crate) captures: Captures,
    pub(crate) fields: Vec<Field>,
    query: Option<Query>,
    action: Option<Uid>,
    evaluation: Evaluation,
}

// === impl Session ===

impl Session {
    /// Space to decide in.
    pub fn new() -> Self {
        Self::default()
    }

    /// How the policies came to the last verdict.
    pub fn evaluation(&self) -> &Evaluation {
        &self.evaluation
    }

    /// The action of the last request, if there was a route for it.
    pub fn action(&self) -> Option<Uid> {
        self.action
    }

    /// The id of the key of the last request, if that was decided by policies.
    #[must_use]
    pub fn key_id<'a>(&'a self, model: &'a Model) -> Option<&'a str> {
        let pools = self.pools(model);
        Some(pools.text(pools.uid(self.query?.principal)?.id))
    }

    /// An error of the last evaluation in words, with the names that it is about.
    #[must_use]
    pub fn describe(&self, model: &Model, error: EvalError) -> String {
        error.describe(self.pools(model))
    }

    /// What the policies were last asked, if they were.
    #[must_use]
    pub fn query(&self) -> Option<Query> {
        self.query
    }

    /// The values of the last request, with those of the model that it was decided with.
    #[must_use]
    pub fn pools<'a>(&'a self, model: &'a Model) -> Pools<'a> {
        Pools { model, request: &self.request }
    }

    fn clear(&mut self) {
        self.request.clear();
        self.captures.clear();
        (self.query, self.action) = (None, None);
        self.evaluation.clear();
    }
}

// === impl Gate ===

impl<K: Keys> Gate<'_, K> {
    /// Decides a request.
    pub fn check(&self, call: &Call<'_>, host: &mut impl Host, session: &mut Session) -> Verdict {
        session.clear();
        let key = match self.identify(call.credential) {
            Ok(key) => key,
            Err(cause) => return Verdict::Deny(Denial::new(cause)),
        };
        let now = host.now();
        let lapse = self.lapse(&key, now, host.latest(now));
        if key.is_decoy() {
            return Verdict::Deny(Denial::of_decoy(&key, lapse));
        }
        let verdict = self.authorize(call, &key, now, host, session);
        match (lapse, verdict) {
            // Nothing in the policies, or in the lack of them, lets a lapsed key pass; but they
            // may have the better words for it.
            (Some(cause), Verdict::Allow(_)) => Verdict::Deny(Denial::of_key(cause, &key)),
            (Some(cause), Verdict::Deny(denial)) => Verdict::Deny(denial.because(cause)),
            (None, verdict) => verdict,
        }
    }

    /// Finds the key that a credential stands for.
    fn identify(&self, credential: Option<&str>) -> Result<KeyRecord, Cause> {
        let token = credential.filter(|token| !token.is_empty()).ok_or(Cause::MissingKey)?;
        if token.len() > MAX_LEN {
            return Err(Cause::MalformedKey);
        }
        let found = match self.keys.recall(token) {
            Some(found) => Ok(found),
            None => self.keys.find(token, &self.hash(token)?),
        };
        match found {
            Ok(key) => key.ok_or(Cause::UnknownKey),
            Err(Unreadable) => Err(Cause::KeysUnavailable),
        }
    }

    /// The hash to look a token up by, if tokens of this inventory may be of its form. Apart, as most
    /// tokens were looked up before.
    #[inline(never)]
    fn hash(&self, token: &str) -> Result<KeyHash, Cause> {
        let form = self.model.token();
        match Token::parse(token) {
            Ok(token) if token.prefix == form.prefix && token.environment == form.environment => {
                Ok(token.hash())
            }
            _ if form.allow_foreign => Ok(KeyHash::of(token)),
            Ok(_) => Err(Cause::UnknownKey),
            Err(_) => Err(Cause::MalformedKey),
        }
    }

    /// Why a key is not valid at this instant, if it is not; `latest` is never before an instant at
    /// which another was asked for.
    fn lapse(&self, key: &KeyRecord, now: i64, latest: i64) -> Option<Cause> {
        if self.keys.is_revoked(&key.id) {
            Some(Cause::KeyRevoked)
        } else if latest >= key.expires {
            Some(Cause::KeyExpired)
        } else if now < key.not_before {
            Some(Cause::KeyNotYetValid)
        } else {
            None
        }
    }

    fn authorize(
        &self,
        call: &Call<'_>,
        key: &KeyRecord,
        now: i64,
        host: &mut impl Host,
        session: &mut Session,
    ) -> Verdict {
        let denied = |cause| Verdict::Deny(Denial::of_key(cause, key));
        // A host may be sent on as it is, and nobody is to be told the key as one.
        let credential = call.credential.unwrap_or_default();
        if !is_method(call.method) || holds(call.authority.as_bytes(), credential) {
            return denied(Cause::AmbiguousPath);
        }
        let Ok(target) = Target::parse(call.target) else { return denied(Cause::AmbiguousPath) };
        let Ok(authority) = authority::normalise(call.authority) else {
            return denied(Cause::AmbiguousPath);
        };
        let route = self.routes.find(call.method, &authority, &target, &mut session.captures);
        let Some(route) = route else { return denied(Cause::NoRoute) };
        session.action = Some(Uid(route.action));
        let Some(principal) = self.principal(key, session) else { return denied(Cause::Internal) };
        let mut query = Query {
            principal,
            action: Uid(route.action),
            resource: Uid(route.resource),
            context: Span::EMPTY,
        };
        session.query = Some(query);
        let Session { request, evaluation, .. } = session;
        let needed = evaluation.find(self.model, request, &query);
        let parts = context::Parts {
            method: call.method,
            authority: &authority,
            target: &target,
            now,
            credential,
            bound_to: self.bound_to(key),
        };
        let context = context::build(self.model, needed, &parts, host, session);
        let Ok(context) = context else { return denied(Cause::AmbiguousPath) };
        query.context = context;
        session.query = Some(query);
        let Session { request, evaluation, .. } = session;
        let decision = evaluation.decide(self.model, request, &query);
        self.conclude(key, decision, evaluation)
    }

    fn conclude(&self, key: &KeyRecord, decision: Decision, evaluation: &Evaluation) -> Verdict {
        let forbids =
            |at: &u32| self.model.policy(*at).is_none_or(|policy| policy.effect == Effect::Forbid);
        let failed = evaluation.errors().iter().map(|(at, _)| *at).find(forbids);
        match (decision, evaluation.forbids().first(), failed) {
            (_, Some(policy), _) => Verdict::Deny(Denial::of_key(Cause::Policy, key).by(*policy)),
            (_, None, Some(policy)) if self.on_policy_error == OnPolicyError::Deny => {
                Verdict::Deny(Denial::of_key(Cause::PolicyError, key).by(policy))
            }
            (Decision::Allow, None, _) => Verdict::Allow(Permit::new(key)),
            (Decision::Deny, None, _) => Verdict::Deny(Denial::of_key(Cause::NoPermit, key)),
        }
    }

    /// Adds the key's entity to the request.
    fn principal(&self, key: &KeyRecord, session: &mut Session) -> Option<Uid> {
        let profile = self.model.profile(key.profile)?;
        let names = self.model.names();
        let own = [
            (names.created, Value::Datetime(key.created)),
            (names.expires, Value::Datetime(key.expires)),
            (names.not_before, Value::Datetime(key.not_before)),
            (names.revoked, Value::Bool(self.keys.is_revoked(&key.id))),
        ];
        session.fields.clear();
        session.fields.extend(
            own.iter().filter_map(|(name, value)| name.map(|name| Field { name, value: *value })),
        );
        let own = session.request.record(&session.fields);
        let mut buffer = [0; KEY_ID_LEN];
        let kind = names.key.unwrap_or_else(|| session.request.sym(self.model, KEY_TYPE));
        let uid = session.request.uid_of(self.model, kind, key.id.encode(&mut buffer));
        session.request.add_entity(LocalEntity {
            uid,
            attrs: [own, profile.attrs],
            parents: profile.parents,
        });
        Some(uid)
    }

    fn bound_to(&self, key: &KeyRecord) -> &[Value] {
        let bound_to = self.model.profile(key.profile).map(|profile| profile.bound_to);
        bound_to.and_then(|span| self.model.values().get(span.range())).unwrap_or_default()
    }
}
