//! A request on its way through.

use crate::config::Config;
use crate::credential::{self, Credential};
use crate::delivery::Active;
use crate::facts::Facts;
use crate::forward::{self, Passage, forward};
use crate::headers::{Headers, Start};
use crate::host;
use crate::record::{Record, Recording};
use crate::respond::{self, Told};
use crate::shared::Shared;
use cedarkey_engine::gate::{Call, Cause, Denial, Gate, Session, Verdict};
use cedarkey_engine::key::{KeyId, KeyRecord, Keys, Unreadable};
use cedarkey_engine::token::KeyHash;
use proxy_wasm::types::Action;
use std::rc::Rc;

/// One request.
pub struct Filter {
    shared: Rc<Shared>,
}

/// The keys of a bundle, where the proxy has them.
struct Lookup<'a>(&'a Active);

// === impl Filter ===

impl Filter {
    /// For a request that has just begun.
    pub fn new(shared: Rc<Shared>) -> Self {
        Self { shared }
    }

    /// Decides a request when its headers are there.
    pub fn on_headers(&self) -> Action {
        #[cfg(feature = "fault")]
        return crate::fault::count(|| self.begin());
        #[cfg(not(feature = "fault"))]
        self.begin()
    }

    /// Takes from the trailers what an upstream must not have.
    pub fn on_trailers(&self) -> Action {
        let config = self.shared.config.borrow().clone();
        match (config, host::request_trailers()) {
            (Some(config), Some(trailers)) => {
                forward::strip_trailers(&config.key_from, &trailers);
                Action::Continue
            }
            (config, _) => {
                self.refuse(config.as_deref(), None, Cause::Internal, &Headers::default())
            }
        }
    }

    fn begin(&self) -> Action {
        self.shared.serves.set(true);
        let Some(headers) = host::request_headers() else {
            return self.refuse(None, None, Cause::Internal, &Headers::default());
        };
        #[cfg(feature = "fault")]
        crate::fault::on_request(&headers);
        let config = self.shared.config.borrow().clone();
        let Some(config) = config else {
            return self.refuse(None, None, Cause::BadConfig, &headers);
        };
        let active = self.shared.active.borrow().clone();
        let Some(active) = active else {
            return self.refuse(Some(&config), None, Cause::NoBundle, &headers);
        };
        let now = host::now();
        if active.is_stale(self.shared.latest(now)) && !config.serve_stale {
            return self.refuse(Some(&config), Some(&active), Cause::StaleBundle, &headers);
        }
        self.decide(&config, &active, &headers, now)
    }

    /// Denies a request for which there is nothing to decide with.
    #[cold]
    fn refuse(
        &self,
        config: Option<&Config>,
        active: Option<&Active>,
        cause: Cause,
        headers: &Headers,
    ) -> Action {
        self.shared.metrics.deny(cause);
        forward::conceal("", config.map_or(&[][..], |config| &config.key_from), headers);
        let decision = self.shared.decision_id();
        if config.is_some_and(|config| config.record != Recording::None) {
            Record { active, ..Record::of_denial(decision.as_str(), cause) }.tell();
        }
        let told = Told::new(cause, cause.detail(), false);
        respond::deny(config, &told, decision.as_str(), &[], headers)
    }

    /// Decides with the bundle in force. A VM that is so late that a key of it has been replaced in
    /// shared data takes the one that did, and decides with that.
    fn decide(&self, config: &Config, active: &Active, headers: &Headers, now: i64) -> Action {
        if let Some(action) = self.try_decide(config, active, headers, now) {
            return action;
        }
        if let Some(newer) = self.shared.overtake()
            && let Some(action) = self.try_decide(config, &newer, headers, now)
        {
            return action;
        }
        self.refuse(Some(config), Some(active), Cause::KeysUnavailable, headers)
    }

    /// Decides, unless the key cannot be read.
    fn try_decide(
        &self,
        config: &Config,
        active: &Active,
        headers: &Headers,
        now: i64,
    ) -> Option<Action> {
        let key = match credential::find(&config.key_from, headers) {
            Credential::Missing => None,
            Credential::Presented(key) => Some(key),
            Credential::Unclear => {
                return Some(self.refuse(Some(config), Some(active), Cause::MalformedKey, headers));
            }
        };
        let Start { method, authority, path } = headers.start();
        let call = Call {
            method: method.unwrap_or_default(),
            authority: authority.unwrap_or_default(),
            target: path.unwrap_or_default(),
            credential: key.as_deref(),
        };
        let gate = Gate {
            model: &active.model,
            routes: &active.routes,
            keys: &Lookup(active),
            on_policy_error: config.on_policy_error,
        };
        let mut session = self.shared.session.take().unwrap_or_default();
        let mut facts = Facts { headers, now, latest: self.shared.latest(now), source: None };
        let verdict = gate.check(&call, &mut facts, &mut session);
        self.shared.count_use(config, &active.model, &verdict, &session, &mut facts);
        let action = match verdict {
            Verdict::Allow(permit) => {
                self.shared.metrics.allow();
                let owner = active.model.owner(permit.profile());
                let decision = self.shared.decision_id();
                if config.record == Recording::All {
                    let (active, session) = (Some(active), Some(&*session));
                    let (key, profile) = (Some(permit.key()), Some(permit.profile()));
                    let id = decision.as_str();
                    Record { id, cause: None, key, profile, active, session }.tell();
                }
                let passage = Passage {
                    key: key.as_deref().unwrap_or_default(),
                    key_id: session.key_id(&active.model).unwrap_or_default(),
                    owner,
                    decision: decision.as_str(),
                    target: call.target,
                };
                Some(forward(permit, &passage, &config.key_from, headers))
            }
            Verdict::Deny(denial) if denial.cause() == Cause::KeysUnavailable => None,
            Verdict::Deny(denial) => {
                let key = key.as_deref().unwrap_or_default();
                Some(self.deny(config, active, key, &denial, &session, &facts))
            }
        };
        self.shared.session.replace(Some(session));
        action
    }

    /// Denies what the gate has denied. Apart, as most requests pass.
    #[inline(never)]
    fn deny(
        &self,
        config: &Config,
        active: &Active,
        key: &str,
        denial: &Denial,
        session: &Session,
        &Facts { headers, now, .. }: &Facts<'_>,
    ) -> Action {
        self.shared.metrics.deny(denial.cause());
        let shown = forward::conceal(key, &config.key_from, headers);
        let decision = self.shared.decision_id();
        if config.record != Recording::None {
            let (key, profile) = (denial.key(), denial.profile());
            let record = Record::of_denial(decision.as_str(), denial.cause());
            Record { key, profile, active: Some(active), session: Some(session), ..record }.tell();
        }
        if let (Cause::DecoyKey, Some(decoy)) = (denial.cause(), denial.key()) {
            self.shared.alarm.tell(decoy, decision.as_str(), &shown, now);
        }
        let model = &active.model;
        let told = Told::new(denial.cause(), denial.reason(model), config.reveal_revoked);
        // Policies that denied a key which the caller is not told about are not told either.
        let policies: Vec<_> = if config.reveal_policies && told.cause == denial.cause() {
            let forbids = session.evaluation().forbids();
            let failed = denial.policy().filter(|_| forbids.is_empty());
            forbids.iter().chain(&failed).map(|at| model.policy_id(*at)).collect()
        } else {
            Vec::new()
        };
        respond::deny(Some(config), &told, decision.as_str(), &policies, headers)
    }
}

// === impl Lookup ===

impl Keys for Lookup<'_> {
    fn recall(&self, token: &str) -> Option<Option<KeyRecord>> {
        self.0.keys.recall(token)
    }

    fn find(&self, token: &str, hash: &KeyHash) -> Result<Option<KeyRecord>, Unreadable> {
        self.0.keys.find(token, hash, &mut |key| host::shared(key).0)
    }

    fn is_revoked(&self, id: &KeyId) -> bool {
        self.0.revocations.contains(id)
    }
}
