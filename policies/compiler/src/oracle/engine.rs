//! Asking the engine.

use super::{Answer, Guest, Question, QuestionError};
use crate::constant::Constant;
use cedar_policy::EntityUid;
use cedarkey_engine::decide::{Decision, Evaluation, Query};
use cedarkey_engine::ext::ExtFn;
use cedarkey_engine::model::{Model, PolicyImage};
use cedarkey_engine::request::{LocalEntity, Request};
use cedarkey_engine::value::{Field, Span, Uid, Value};
use serde_json::Value as Json;
use std::collections::BTreeSet;

/// The engine, with its space to decide in.
#[derive(Debug)]
pub struct Engine<'a> {
    model: &'a Model,
    request: Request,
    evaluation: Evaluation,
}

// === impl Engine ===

impl<'a> Engine<'a> {
    /// The engine with a model.
    pub fn new(model: &'a Model) -> Self {
        Self { model, request: Request::new(), evaluation: Evaluation::new() }
    }

    /// What the policies say.
    ///
    /// Of the context the policies get to see no more than in a proxy: where the model has facts,
    /// only those that the candidates are said to read. With `only`, they see what this one policy
    /// is said to read; what the others say is then of no use.
    ///
    /// # Errors
    ///
    /// Where the question holds what is no Cedar value.
    pub fn ask(
        &mut self,
        question: &Question,
        guest: Option<&Guest>,
        only: Option<&str>,
    ) -> Result<Answer, QuestionError> {
        let decision = self.decide(question, guest, only)?;
        let id = |at: u32| String::from(self.model.policy_id(at));
        Ok(Answer {
            allow: decision == Decision::Allow,
            reasons: self.evaluation.reasons().iter().copied().map(id).collect(),
            errors: self.evaluation.errors().iter().map(|(at, _)| id(*at)).collect(),
        })
    }

    /// What one policy says, which sees what it is said to read: whether it applies, and whether it
    /// fails.
    ///
    /// # Errors
    ///
    /// Where the question holds what is no Cedar value.
    pub fn ask_one(
        &mut self,
        question: &Question,
        guest: Option<&Guest>,
        policy: &str,
    ) -> Result<(bool, bool), QuestionError> {
        self.decide(question, guest, Some(policy))?;
        Ok((self.applies(policy), self.fails(policy)))
    }

    fn decide(
        &mut self,
        question: &Question,
        guest: Option<&Guest>,
        only: Option<&str>,
    ) -> Result<Decision, QuestionError> {
        self.request.clear();
        if let Some(guest) = guest {
            self.add(guest)?;
        }
        let mut query = self.query(question);
        let needed = self.evaluation.find(self.model, &self.request, &query);
        let needed = match only {
            Some(id) => {
                let policy = self.number(id).and_then(|at| self.model.policy(at));
                policy.map_or(0, |policy| policy.facts)
            }
            None => needed,
        };
        query.context = self.visible(&question.context, needed)?;
        Ok(self.evaluation.decide(self.model, &mut self.request, &query))
    }

    /// The number of a policy in the model.
    fn number(&self, id: &str) -> Option<u32> {
        let text = |policy: &PolicyImage| self.model.text(policy.id);
        let found = self.model.policies().binary_search_by(|policy| text(policy).cmp(id));
        found.ok().and_then(|at| u32::try_from(at).ok())
    }

    /// The question as the engine takes it, to be decided again and again.
    ///
    /// # Errors
    ///
    /// Where the question holds what is no Cedar value.
    pub fn posed(mut self, question: &Question) -> Result<(Request, Query), QuestionError> {
        let mut query = self.query(question);
        query.context = self.record(&question.context)?;
        Ok((self.request, query))
    }

    /// The query of a question, without its context.
    fn query(&mut self, question: &Question) -> Query {
        Query {
            principal: self.uid(&question.principal),
            action: self.uid(&question.action),
            resource: self.uid(&question.resource),
            context: Span::EMPTY,
        }
    }

    /// Whether a policy applied when the engine was last asked, even if it did not determine the
    /// answer.
    pub fn applies(&self, policy: &str) -> bool {
        let number = self.number(policy);
        let mut applied = self.evaluation.permits().iter().chain(self.evaluation.forbids());
        number.is_some_and(|number| applied.any(|at| *at == number))
    }

    /// Whether a policy failed when the engine was last asked.
    pub fn fails(&self, policy: &str) -> bool {
        let number = self.number(policy);
        number.is_some_and(|number| self.evaluation.errors().iter().any(|(at, _)| *at == number))
    }

    /// The context without the facts that nobody needs. Groups stay, as they do in the gate.
    fn visible(&mut self, context: &Json, needed: u128) -> Result<Span, QuestionError> {
        let model = self.model;
        let hidden: Vec<_> = (0u32..)
            .zip(model.facts())
            .filter(|(at, _)| needed.checked_shr(*at).is_none_or(|bits| bits & 1 == 0))
            .map(|(_, fact)| (fact.group.map(|group| model.name(group)), model.name(fact.name)))
            .collect();
        let Json::Object(fields) = context else {
            return Err(QuestionError::Value(context.to_string()));
        };
        let groups = model.facts().iter().filter_map(|fact| fact.group);
        let groups: BTreeSet<_> = groups.map(|group| model.name(group)).collect();
        let mut list = Vec::with_capacity(fields.len());
        for (name, json) in fields {
            if hidden.contains(&(None, name)) {
                continue;
            }
            let value = match json {
                Json::Object(members) if groups.contains(name.as_str()) => {
                    let seen = members.iter().filter(|(member, _)| {
                        !hidden.contains(&(Some(name.as_str()), member.as_str()))
                    });
                    Value::Record(self.fields(seen)?)
                }
                _ => self.value(json)?,
            };
            list.push(Field { name: self.request.sym(model, name), value });
        }
        Ok(self.request.record(&list))
    }

    fn add(&mut self, guest: &Guest) -> Result<(), QuestionError> {
        let uid = self.uid(&guest.uid);
        let attrs = self.record(&guest.attrs)?;
        let parents: Vec<_> = guest.parents.iter().map(|parent| self.uid(parent)).collect();
        let parents = self.request.uid_run(&parents);
        self.request.add_entity(LocalEntity { uid, attrs: [attrs, Span::EMPTY], parents });
        Ok(())
    }

    fn uid(&mut self, uid: &EntityUid) -> Uid {
        self.request.uid(self.model, &uid.type_name().to_string(), uid.id().unescaped())
    }

    fn record(&mut self, json: &Json) -> Result<Span, QuestionError> {
        match self.value(json)? {
            Value::Record(fields) => Ok(fields),
            _ => Err(QuestionError::Value(json.to_string())),
        }
    }

    fn value(&mut self, json: &Json) -> Result<Value, QuestionError> {
        let unknown = || QuestionError::Value(json.to_string());
        Ok(match json {
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(number) => Value::Long(number.as_i64().ok_or_else(unknown)?),
            Json::String(text) => self.request.string(text),
            Json::Array(elements) => {
                let elements = elements.iter().map(|element| self.value(element));
                let mut elements = elements.collect::<Result<Vec<_>, _>>()?;
                Value::Set(self.request.set(self.model, &mut elements))
            }
            Json::Object(fields) => match (fields.get("__entity"), fields.get("__extn")) {
                (Some(uid), _) => {
                    let text = |name| uid.get(name).and_then(Json::as_str).ok_or_else(unknown);
                    Value::Entity(self.request.uid(self.model, text("type")?, text("id")?))
                }
                (_, Some(call)) => extension(call).ok_or_else(unknown)?,
                _ => Value::Record(self.fields(fields)?),
            },
            Json::Null => return Err(unknown()),
        })
    }

    fn fields<'j>(
        &mut self,
        fields: impl IntoIterator<Item = (&'j String, &'j Json)>,
    ) -> Result<Span, QuestionError> {
        let mut list = Vec::new();
        for (name, json) in fields {
            let value = self.value(json)?;
            list.push(Field { name: self.request.sym(self.model, name), value });
        }
        Ok(self.request.record(&list))
    }
}

/// The value of `{"fn": .., "arg": ..}`.
fn extension(call: &Json) -> Option<Value> {
    let function = ExtFn::from_name(call.get("fn")?.as_str()?)?;
    let argument = Constant::Str(call.get("arg")?.as_str()?.into());
    match Constant::call(function, &[argument])? {
        Constant::Ip(net) => Some(Value::Ip(net)),
        Constant::Decimal(value) => Some(Value::Decimal(value)),
        Constant::Datetime(at) => Some(Value::Datetime(at)),
        Constant::Duration(length) => Some(Value::Duration(length)),
        _ => None,
    }
}
