//! Asking Cedar.

use super::{Answer, Question, QuestionError};
use cedar_policy::{
    AuthorizationError, Authorizer, Context, Decision, Entities, EntityId, EntityTypeName,
    EntityUid, PolicySet, Request, RestrictedExpression as Expression,
};
use serde_json::{Map, Value as Json};
use std::str::FromStr;

/// Cedar, with what it decides by.
#[derive(Debug)]
pub struct Cedar<'a> {
    authorizer: Authorizer,
    entities: &'a Entities,
}

// === impl Cedar ===

impl<'a> Cedar<'a> {
    /// Cedar with an entity store.
    pub fn new(entities: &'a Entities) -> Self {
        Self { authorizer: Authorizer::new(), entities }
    }

    /// A request, which can be asked of several policy sets.
    ///
    /// # Errors
    ///
    /// Where Cedar does not take the question.
    pub fn request(question: &Question) -> Result<Request, QuestionError> {
        let Question { principal, action, resource, context } = question;
        let context = match context {
            Json::Object(fields) => Context::from_pairs(pairs(fields)?).map_err(Box::new)?,
            _ => return Err(QuestionError::Value(context.to_string())),
        };
        let [principal, action, resource] = [principal, action, resource].map(EntityUid::clone);
        Ok(Request::new(principal, action, resource, context, None).map_err(Box::new)?)
    }

    /// What the policies say.
    pub fn ask(&self, request: &Request, policies: &PolicySet) -> Answer {
        let response = self.authorizer.is_authorized(request, policies, self.entities);
        let failed = |error: &AuthorizationError| match error {
            AuthorizationError::PolicyEvaluationError(error) => error.policy_id().to_string(),
        };
        Answer {
            allow: response.decision() == Decision::Allow,
            reasons: response.diagnostics().reason().map(ToString::to_string).collect(),
            errors: response.diagnostics().errors().map(failed).collect(),
        }
    }
}

/// A value in Cedar's JSON format. Cedar reads that by itself too, but slowly.
fn expression(json: &Json) -> Result<Expression, QuestionError> {
    let unknown = || QuestionError::Value(json.to_string());
    Ok(match json {
        Json::Bool(value) => Expression::new_bool(*value),
        Json::Number(number) => Expression::new_long(number.as_i64().ok_or_else(unknown)?),
        Json::String(text) => Expression::new_string(text.clone()),
        Json::Array(elements) => {
            let elements = elements.iter().map(expression);
            Expression::new_set(elements.collect::<Result<Vec<_>, _>>()?)
        }
        Json::Object(fields) => match (fields.get("__entity"), fields.get("__extn")) {
            (Some(uid), _) => Expression::new_entity_uid(entity(uid).ok_or_else(unknown)?),
            (_, Some(call)) => extension(call).ok_or_else(unknown)?,
            _ => Expression::new_record(pairs(fields)?).map_err(Box::new)?,
        },
        Json::Null => return Err(unknown()),
    })
}

fn pairs(fields: &Map<String, Json>) -> Result<Vec<(String, Expression)>, QuestionError> {
    fields.iter().map(|(name, json)| Ok((name.clone(), expression(json)?))).collect()
}

/// The uid of `{"type": .., "id": ..}`.
fn entity(json: &Json) -> Option<EntityUid> {
    let kind = EntityTypeName::from_str(json.get("type")?.as_str()?).ok()?;
    Some(EntityUid::from_type_name_and_id(kind, EntityId::new(json.get("id")?.as_str()?)))
}

/// The call of `{"fn": .., "arg": ..}`.
fn extension(json: &Json) -> Option<Expression> {
    let argument = json.get("arg")?.as_str()?;
    match json.get("fn")?.as_str()? {
        "datetime" => Some(Expression::new_datetime(argument)),
        "decimal" => Some(Expression::new_decimal(argument)),
        "duration" => Some(Expression::new_duration(argument)),
        "ip" => Some(Expression::new_ip(argument)),
        _ => None,
    }
}
