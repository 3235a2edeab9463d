//! From a test's request to the question that the engine is asked.

use crate::test::Request;
use anyhow::{Context, anyhow};
use cedar_policy::{Context as Circumstances, Entity, EntityUid, Schema};
use cedarkey_engine::ext::{datetime, decimal, duration, ip};
use cedarkey_engine_guest::wire::{Guest, Question, Uid, Value};
use serde_json::Value as Json;

/// What the engine is to be asked.
///
/// # Errors
///
/// What Cedar does not take in the request.
pub fn question(
    request: &Request,
    schema: Option<&Schema>,
    guest: Option<Guest>,
) -> anyhow::Result<Question> {
    let action = entity(&request.action, "action")?;
    let context = context(request, schema, &action)?;
    // In Cedar's own words no type is left to be guessed from the schema.
    let context = context.to_json_value().context("the context")?;
    Ok(Question {
        principal: uid(&entity(&request.principal, "principal")?),
        action: uid(&action),
        resource: uid(&entity(&request.resource, "resource")?),
        context: record(&context)?,
        guest,
    })
}

/// An entity that comes with a request.
///
/// # Errors
///
/// It has a value that Cedar cannot write.
pub fn guest(entity: &Entity) -> anyhow::Result<Guest> {
    let json = entity.to_json_value().context("the guest")?;
    let parents = json.get("parents").and_then(Json::as_array).into_iter().flatten();
    let parents = parents.map(|json| Ok(uid(&self::entity(json, "parent")?)));
    Ok(Guest {
        uid: uid(&entity.uid()),
        attrs: record(json.get("attrs").unwrap_or(&Json::Null))?,
        parents: parents.collect::<anyhow::Result<_>>()?,
    })
}

/// The uid that a JSON value or, as in a policy, a text names.
///
/// # Errors
///
/// It names none; the message says of what.
pub fn entity(json: &Json, what: &str) -> anyhow::Result<EntityUid> {
    let uid = match json {
        Json::String(text) => text.parse().map_err(anyhow::Error::from),
        json => EntityUid::from_json(json.clone()).map_err(anyhow::Error::from),
    };
    uid.with_context(|| format!("the {what}"))
}

fn uid(uid: &EntityUid) -> Uid {
    Uid { kind: uid.type_name().to_string(), id: uid.id().unescaped().into() }
}

/// Reads the context by the schema; one that need not fit the schema, also without.
fn context(
    request: &Request,
    schema: Option<&Schema>,
    action: &EntityUid,
) -> anyhow::Result<Circumstances> {
    let json = || request.context.clone();
    let read = Circumstances::from_json_value(json(), schema.map(|schema| (schema, action)));
    let read = match read {
        Err(_) if !request.validate_request => Circumstances::from_json_value(json(), None),
        read => read,
    };
    read.context("the context")
}

fn record(json: &Json) -> anyhow::Result<Vec<(String, Value)>> {
    let fields = json.as_object().ok_or_else(|| unknown(json))?;
    fields.iter().map(|(name, json)| Ok((name.clone(), value(json)?))).collect()
}

/// Reads a value of Cedar's JSON format, with all escapes explicit.
fn value(json: &Json) -> anyhow::Result<Value> {
    Ok(match json {
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => Value::Long(number.as_i64().ok_or_else(|| unknown(json))?),
        Json::String(text) => Value::String(text.clone()),
        Json::Array(elements) => Value::Set(elements.iter().map(value).collect::<Result<_, _>>()?),
        Json::Object(fields) => match (fields.get("__entity"), fields.get("__extn")) {
            (Some(escape), _) => Value::Entity(uid(&entity(escape, "entity")?)),
            (_, Some(call)) => extension(call)?,
            _ => Value::Record(record(json)?),
        },
        Json::Null => return Err(unknown(json)),
    })
}

/// The value of `{"fn": .., "arg": ..}` or `{"fn": .., "args": [..]}`.
fn extension(call: &Json) -> anyhow::Result<Value> {
    let arguments = match (call.get("arg"), call.get("args").and_then(Json::as_array)) {
        (Some(argument), _) => vec![value(argument)?],
        (_, Some(arguments)) => arguments.iter().map(value).collect::<Result<_, _>>()?,
        _ => return Err(unknown(call)),
    };
    let value = match (call.get("fn").and_then(Json::as_str), &*arguments) {
        (Some("datetime"), [Value::String(text)]) => datetime::parse(text).map(Value::Datetime),
        (Some("decimal"), [Value::String(text)]) => decimal::parse(text).map(Value::Decimal),
        (Some("duration"), [Value::String(text)]) => duration::parse(text).map(Value::Duration),
        (Some("ip"), [Value::String(text)]) => ip::parse(text).map(Value::Ip),
        // The form in which Cedar writes an instant.
        (Some("offset"), [Value::Datetime(at), Value::Duration(length)]) => {
            datetime::offset(*at, *length).map(Value::Datetime)
        }
        _ => return Err(unknown(call)),
    };
    value.map_err(|_| anyhow!("`{call}` is a value for Cedar, but an error for the engine"))
}

fn unknown(json: &Json) -> anyhow::Error {
    anyhow!("`{json}` is an unknown form of value")
}
