//! One bundle, and the questions about it.

use crate::wire;
use cedarkey_bundle::{
    Archive, Bundle, DecodeError, KeyTextError, OpenError, PublicKey, Refusal, Terms,
};
use cedarkey_engine::decide::{Decision, Evaluation, Query};
use cedarkey_engine::request::{LocalEntity, Request};
use cedarkey_engine::value::{Field, Span, Uid, Value};

/// A bundle in force, with space to decide in.
#[derive(Debug)]
pub struct Session {
    bundle: Bundle,
    request: Request,
    evaluation: Evaluation,
    /// The last question, as it lies in the request's pool.
    query: Option<Query>,
}

/// Why there is nothing to decide by.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The bytes are no archive.
    #[error("the bundle does not decode: {0}")]
    Decode(#[from] DecodeError),
    /// The key to trust is none.
    #[error("the key to trust is none: {0}")]
    Key(#[from] KeyTextError),
    /// What the archive holds does not fit together.
    #[error("the bundle does not open: {0}")]
    Open(#[from] OpenError),
    /// The bundle is not signed as it must be, or does not hold now.
    #[error("the bundle is not accepted: {0}")]
    Refused(#[from] Refusal),
}

// === impl Session ===

impl Session {
    /// Opens a bundle, as a proxy does: archive, signature, segments, model.
    ///
    /// # Errors
    ///
    /// The first of these that is not as it must be.
    pub fn load(load: &wire::Load) -> Result<Self, SessionError> {
        let archive = Archive::decode(&load.archive)?;
        let trusted = [load.trusted.parse::<PublicKey>()?];
        let manifest = archive.envelope.accept(&Terms {
            name: None,
            trusted: &trusted,
            above_version: None,
            min_version: 0,
            now: load.now,
        })?;
        let bundle = Bundle::open(manifest.clone(), archive.segments)?;
        let (request, evaluation) = (Request::new(), Evaluation::new());
        Ok(Self { bundle, request, evaluation, query: None })
    }

    /// What the policies say.
    pub fn decide(&mut self, question: &wire::Question) -> wire::Answer {
        self.request.clear();
        if let Some(guest) = &question.guest {
            self.add(guest);
        }
        let query = Query {
            principal: self.uid(&question.principal),
            action: self.uid(&question.action),
            resource: self.uid(&question.resource),
            context: self.record(&question.context),
        };
        self.query = Some(query);
        let decision = self.ask(&query);
        let id = |at: u32| String::from(self.bundle.model.policy_id(at));
        wire::Answer {
            allow: decision == Decision::Allow,
            reasons: self.evaluation.reasons().iter().copied().map(id).collect(),
            errors: self.evaluation.errors().iter().map(|(at, _)| id(*at)).collect(),
        }
    }

    /// Decides the last question again, so many times; tells how often it was allowed.
    pub fn repeat(&mut self, times: u32) -> u32 {
        let Some(query) = self.query else { return 0 };
        let allowed = (0..times).filter(|_| self.ask(&query) == Decision::Allow);
        u32::try_from(allowed.count()).unwrap_or(u32::MAX)
    }

    fn ask(&mut self, query: &Query) -> Decision {
        self.evaluation.find(&self.bundle.model, &self.request, query);
        self.evaluation.decide(&self.bundle.model, &mut self.request, query)
    }

    fn add(&mut self, guest: &wire::Guest) {
        let uid = self.uid(&guest.uid);
        let attrs = [self.record(&guest.attrs), Span::EMPTY];
        let parents: Vec<_> = guest.parents.iter().map(|parent| self.uid(parent)).collect();
        let parents = self.request.uid_run(&parents);
        self.request.add_entity(LocalEntity { uid, attrs, parents });
    }

    fn uid(&mut self, uid: &wire::Uid) -> Uid {
        self.request.uid(&self.bundle.model, &uid.kind, &uid.id)
    }

    fn record(&mut self, fields: &[(String, wire::Value)]) -> Span {
        let mut list = Vec::with_capacity(fields.len());
        for (name, value) in fields {
            let value = self.value(value);
            list.push(Field { name: self.request.sym(&self.bundle.model, name), value });
        }
        self.request.record(&list)
    }

    fn value(&mut self, value: &wire::Value) -> Value {
        match value {
            wire::Value::Bool(value) => Value::Bool(*value),
            wire::Value::Datetime(at) => Value::Datetime(*at),
            wire::Value::Decimal(value) => Value::Decimal(*value),
            wire::Value::Duration(length) => Value::Duration(*length),
            wire::Value::Entity(uid) => Value::Entity(self.uid(uid)),
            wire::Value::Ip(net) => Value::Ip(*net),
            wire::Value::Long(value) => Value::Long(*value),
            wire::Value::Record(fields) => Value::Record(self.record(fields)),
            wire::Value::Set(elements) => {
                let mut elements: Vec<_> =
                    elements.iter().map(|element| self.value(element)).collect();
                Value::Set(self.request.set(&self.bundle.model, &mut elements))
            }
            wire::Value::String(text) => self.request.string(text),
        }
    }
}
