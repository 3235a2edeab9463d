//! A case, ready to be decided by Cedar and by the engine.

use crate::case::{Case, Entity, Request};
use crate::uid::{Uid, Uids};
use crate::value::{Value, record};
use cedar_policy::{
    Context, Entities, EntityUid, PolicyId, PolicySet, RestrictedExpression, Schema, SlotId,
    ValidationMode, Validator,
};
use cedarkey_compiler::model::PolicySource;
use cedarkey_compiler::oracle::{Guest, Question};
use cedarkey_engine::ext::ExtFn;
use std::collections::HashMap;

/// What is decided by, and what is asked.
#[derive(Debug)]
pub struct World {
    /// The policies, links included.
    pub policies: PolicySet,
    /// The same policies, ascending by id, for the compiler.
    pub sources: Vec<PolicySource>,
    /// All entities.
    pub entities: Entities,
    /// The entities without the guest.
    pub store: Entities,
    /// The entity that comes with each request.
    pub guest: Option<Guest>,
    /// What is asked, in both forms.
    pub questions: Vec<(Question, cedar_policy::Request)>,
}

/// Cedar refuses what the case is made of.
#[derive(Debug, thiserror::Error)]
#[error("Cedar refuses {what}: {message}")]
pub struct Unusable {
    what: &'static str,
    message: String,
}

type Usable<T> = Result<T, Unusable>;

// === impl World ===

impl World {
    /// Makes a case ready.
    ///
    /// # Errors
    ///
    /// Cedar refuses something in it.
    pub fn of(case: &Case) -> Usable<Self> {
        let mut uids = Uids::default();
        let policies = policies(case, &mut uids)?;
        let schema = if case.conforms { Some(schema(case)?) } else { None };
        let all = case.all_entities();
        let all = all.iter().map(|entity| self::entity(entity, &mut uids));
        let all = all.collect::<Usable<Vec<_>>>()?;
        let entities = Entities::from_entities(all, schema.as_ref());
        let entities = entities.map_err(|error| unusable("the entities", &error))?;
        let (store, guest) = match case.guest.as_ref().and_then(|uid| find(case, uid)) {
            None => (entities.clone(), None),
            Some(entity) => {
                let guest = guest(entity, &mut uids)?;
                let store = entities.clone().remove_entities([guest.uid.clone()]);
                (store.map_err(|error| unusable("the entities", &error))?, Some(guest))
            }
        };
        let questions = case.requests.iter().map(|request| question(request, &mut uids));
        let questions = questions.collect::<Usable<Vec<_>>>()?;
        Ok(Self { sources: sources(&policies)?, policies, entities, store, guest, questions })
    }
}

/// Whether the policies of a case pass Cedar's validator.
///
/// # Errors
///
/// Cedar refuses something in the case.
pub fn is_valid(case: &Case) -> Usable<bool> {
    let policies = policies(case, &mut Uids::default())?;
    let result = Validator::new(schema(case)?).validate(&policies, ValidationMode::Strict);
    Ok(result.validation_passed())
}

fn find<'a>(case: &'a Case, uid: &Uid) -> Option<&'a Entity> {
    case.entities.iter().find(|entity| entity.uid == *uid)
}

fn unusable(what: &'static str, error: &dyn std::error::Error) -> Unusable {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        message = format!("{message}: {error}");
        cause = error.source();
    }
    Unusable { what, message }
}

/// The schema of a case.
///
/// # Errors
///
/// Cedar refuses it.
pub fn schema(case: &Case) -> Usable<Schema> {
    let schema = Schema::from_cedarschema_str(&case.schema.to_string());
    Ok(schema.map_err(|error| unusable("the schema", &error))?.0)
}

fn policies(case: &Case, uids: &mut Uids) -> Usable<PolicySet> {
    let set = case.policies_text().parse::<PolicySet>();
    let mut set = set.map_err(|error| unusable("the policies", &error))?;
    for link in &case.links {
        let mut values = HashMap::new();
        let slots = [(SlotId::principal(), &link.principal), (SlotId::resource(), &link.resource)];
        for (slot, uid) in slots {
            if let Some(uid) = uid {
                values.insert(slot, self::uid(uid, uids)?);
            }
        }
        let template = PolicyId::new(Case::policy_id(link.template));
        let linked = set.link(template, PolicyId::new(&link.id), values);
        linked.map_err(|error| unusable("a link", &error))?;
    }
    Ok(set)
}

fn sources(policies: &PolicySet) -> Usable<Vec<PolicySource>> {
    let source = |policy: &cedar_policy::Policy| {
        let json = policy.to_json().map_err(|error| unusable("a policy", &error))?;
        Ok(PolicySource { id: policy.id().to_string(), reason: String::new(), json })
    };
    let mut sources = policies.policies().map(source).collect::<Usable<Vec<_>>>()?;
    sources.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(sources)
}

fn uid(uid: &Uid, uids: &mut Uids) -> Usable<EntityUid> {
    uids.cedar(uid).map_err(|error| unusable("a type", &*error))
}

fn entity(entity: &Entity, uids: &mut Uids) -> Usable<cedar_policy::Entity> {
    let own = uid(&entity.uid, uids)?;
    let parents = entity.parents.iter().map(|parent| uid(parent, uids));
    let parents = parents.collect::<Usable<Vec<_>>>()?;
    let (attrs, tags) = (fields(&entity.attrs, uids)?, fields(&entity.tags, uids)?);
    cedar_policy::Entity::new_with_tags(own, attrs, parents, tags)
        .map_err(|error| unusable("an entity", &error))
}

fn guest(entity: &Entity, uids: &mut Uids) -> Usable<Guest> {
    let parents = entity.parents.iter().map(|parent| uid(parent, uids));
    let parents = parents.collect::<Usable<_>>()?;
    Ok(Guest { uid: uid(&entity.uid, uids)?, attrs: record(&entity.attrs), parents })
}

fn question(request: &Request, uids: &mut Uids) -> Usable<(Question, cedar_policy::Request)> {
    let principal = uid(&request.principal, uids)?;
    let action = uid(&request.action, uids)?;
    let resource = uid(&request.resource, uids)?;
    // Reading JSON would take Cedar much longer.
    let context = Context::from_pairs(fields(&request.context, uids)?)
        .map_err(|error| unusable("a context", &error))?;
    let question = Question { principal, action, resource, context: record(&request.context) };
    let Question { principal, action, resource, .. } = question.clone();
    let request = cedar_policy::Request::new(principal, action, resource, context, None);
    Ok((question, request.map_err(|error| unusable("a request", &error))?))
}

fn fields(
    fields: &[(String, Value)],
    uids: &mut Uids,
) -> Usable<Vec<(String, RestrictedExpression)>> {
    fields.iter().map(|(name, value)| Ok((name.clone(), expression(value, uids)?))).collect()
}

fn expression(value: &Value, uids: &mut Uids) -> Usable<RestrictedExpression> {
    Ok(match value {
        Value::Bool(value) => RestrictedExpression::new_bool(*value),
        Value::Long(value) => RestrictedExpression::new_long(*value),
        Value::Str(text) => RestrictedExpression::new_string(text.clone()),
        Value::Entity(value) => RestrictedExpression::new_entity_uid(uid(value, uids)?),
        Value::Set(elements) => {
            let elements = elements.iter().map(|element| expression(element, uids));
            RestrictedExpression::new_set(elements.collect::<Usable<Vec<_>>>()?)
        }
        Value::Record(members) => {
            let record = RestrictedExpression::new_record(fields(members, uids)?);
            record.map_err(|error| unusable("a record", &error))?
        }
        Value::Ext(ExtFn::Datetime, text) => RestrictedExpression::new_datetime(text),
        Value::Ext(ExtFn::Decimal, text) => RestrictedExpression::new_decimal(text),
        Value::Ext(ExtFn::Duration, text) => RestrictedExpression::new_duration(text),
        Value::Ext(_, text) => RestrictedExpression::new_ip(text),
    })
}
