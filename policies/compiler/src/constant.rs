//! Values known when a bundle is built, and their place in the model's pools.

use crate::names::Names;
use cedarkey_engine::ext::{ExtFn, datetime, decimal, duration, ip};
use cedarkey_engine::value::{Sym, Uid};
use serde_json::Value as Json;
use std::cmp::Ordering;

/// A value with its names interned.
///
/// The order of variants, and of what they hold, is that of the engine's values: the engine looks
/// elements up by it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Constant {
    /// A boolean.
    Bool(bool),
    /// An integer.
    Long(i64),
    /// A string.
    Str(String),
    /// An entity.
    Entity(Uid),
    /// A set, ascending and without doubles.
    Set(Run<Constant>),
    /// A record, ascending by name.
    Record(Run<(Sym, Constant)>),
    /// A decimal, in units of 1/10,000.
    Decimal(i64),
    /// An address or range.
    Ip(ip::IpNet),
    /// An instant, in milliseconds.
    Datetime(i64),
    /// A length of time, in milliseconds.
    Duration(i64),
}

/// Elements, of which fewer come before more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Run<T>(Vec<T>);

/// Why a JSON value is no constant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConstantError {
    /// The function would fail, whenever it is called.
    #[error("`{0}` refuses its argument")]
    Fails(&'static str),
    /// Not a form of Cedar's JSON format.
    #[error("unknown form of value `{0}`")]
    Unknown(String),
}

// === impl Constant ===

impl Constant {
    /// A set of elements in any order.
    pub fn set(mut elements: Vec<Self>) -> Self {
        elements.sort_unstable();
        elements.dedup();
        Self::Set(Run(elements))
    }

    /// A record of fields in any order, whose names differ.
    pub fn record(mut fields: Vec<(Sym, Self)>) -> Self {
        fields.sort_unstable_by_key(|(name, _)| *name);
        Self::Record(Run(fields))
    }

    /// Reads a value of Cedar's JSON format.
    ///
    /// # Errors
    ///
    /// Where the value has an unknown form, or calls a function that fails.
    pub fn from_json(json: &Json, names: &mut Names) -> Result<Self, ConstantError> {
        let unknown = || ConstantError::Unknown(json.to_string());
        match json {
            Json::Bool(value) => Ok(Self::Bool(*value)),
            Json::Number(number) => number.as_i64().map(Self::Long).ok_or_else(unknown),
            Json::String(text) => Ok(Self::Str(text.clone())),
            Json::Array(elements) => {
                let elements = elements.iter().map(|element| Self::from_json(element, names));
                elements.collect::<Result<_, _>>().map(Self::set)
            }
            Json::Object(fields) => {
                if let Some(entity) = fields.get("__entity") {
                    return entity_uid(entity, names).map(Self::Entity).ok_or_else(unknown);
                }
                if let Some(call) = fields.get("__extn") {
                    return extension(call, names);
                }
                let fields = fields
                    .iter()
                    .map(|(name, value)| Ok((names.sym(name), Self::from_json(value, names)?)));
                fields.collect::<Result<_, _>>().map(Self::record)
            }
            Json::Null => Err(unknown()),
        }
    }

    /// The value of a function of constants, `None` where it would fail.
    pub fn call(function: ExtFn, arguments: &[Self]) -> Option<Self> {
        match (function, arguments) {
            (ExtFn::Datetime, [Self::Str(text)]) => datetime::parse(text).ok().map(Self::Datetime),
            (ExtFn::Decimal, [Self::Str(text)]) => decimal::parse(text).ok().map(Self::Decimal),
            (ExtFn::Duration, [Self::Str(text)]) => duration::parse(text).ok().map(Self::Duration),
            (ExtFn::Ip, [Self::Str(text)]) => ip::parse(text).ok().map(Self::Ip),
            // The form in which Cedar writes an instant.
            (ExtFn::Offset, [Self::Datetime(at), Self::Duration(length)]) => {
                datetime::offset(*at, *length).ok().map(Self::Datetime)
            }
            _ => None,
        }
    }
}

/// Reads `{"type": .., "id": ..}`.
pub fn entity_uid(json: &Json, names: &mut Names) -> Option<Uid> {
    let kind = json.get("type")?.as_str()?;
    let id = json.get("id")?.as_str()?;
    Some(names.uid(kind, id))
}

fn extension(call: &Json, names: &mut Names) -> Result<Constant, ConstantError> {
    let unknown = || ConstantError::Unknown(call.to_string());
    let function = call.get("fn").and_then(Json::as_str).and_then(ExtFn::from_name);
    let function = function.ok_or_else(unknown)?;
    let arguments = match (call.get("arg"), call.get("args")) {
        (Some(argument), None) => vec![Constant::from_json(argument, names)?],
        (None, Some(Json::Array(arguments))) => arguments
            .iter()
            .map(|argument| Constant::from_json(argument, names))
            .collect::<Result<_, _>>()?,
        _ => return Err(unknown()),
    };
    Constant::call(function, &arguments).ok_or(ConstantError::Fails(function.name()))
}

// === impl Run ===

impl<T> Run<T> {
    /// The elements.
    pub fn as_slice(&self) -> &[T] {
        &self.0
    }
}

impl<T: Ord> Ord for Run<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.cmp(&other.0))
    }
}

impl<T: Ord> PartialOrd for Run<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
