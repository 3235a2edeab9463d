//! Values, as they stand in entities and contexts.

use crate::uid::Uid;
use cedarkey_engine::ext::ExtFn;
use serde_json::{Map, Value as Json, json};

/// A Cedar value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A boolean.
    Bool(bool),
    /// An integer.
    Long(i64),
    /// A string.
    Str(String),
    /// An entity.
    Entity(Uid),
    /// A set, with elements as often as they were written.
    Set(Vec<Self>),
    /// A record, whose names differ.
    Record(Vec<(String, Self)>),
    /// What a constructor makes of a text that it reads.
    Ext(ExtFn, String),
}

// === impl Value ===

impl Value {
    /// The value in Cedar's JSON format, with all escapes explicit.
    pub fn json(&self) -> Json {
        match self {
            Self::Bool(value) => json!(value),
            Self::Long(value) => json!(value),
            Self::Str(text) => json!(text),
            Self::Entity(uid) => json!({ "__entity": uid.json() }),
            Self::Set(elements) => elements.iter().map(Self::json).collect(),
            Self::Record(fields) => record(fields),
            Self::Ext(function, text) => {
                json!({ "__extn": { "fn": function.name(), "arg": text } })
            }
        }
    }
}

/// A record in Cedar's JSON format.
pub fn record(fields: &[(String, Value)]) -> Json {
    let fields = fields.iter().map(|(name, value)| (name.clone(), value.json()));
    Json::Object(fields.collect::<Map<_, _>>())
}
