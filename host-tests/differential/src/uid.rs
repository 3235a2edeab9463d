//! Entity uids, and text as Cedar writes it.

use cedar_policy::{EntityId, EntityTypeName, EntityUid, ParseErrors};
use serde_json::{Value as Json, json};
use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

/// An entity uid.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid {
    /// The entity type, with its namespace.
    pub kind: String,
    /// The entity id.
    pub id: String,
}

/// Text as a string literal: in quotes, with what must be escaped escaped.
#[derive(Clone, Copy, Debug)]
pub struct Quoted<'a>(pub &'a str);

/// Cedar's form of uids. Type names are parsed once each.
#[derive(Debug, Default)]
pub struct Uids {
    kinds: HashMap<String, EntityTypeName>,
}

// === impl Uid ===

impl Uid {
    /// A uid of a type and an id.
    pub fn new(kind: impl Into<String>, id: impl Into<String>) -> Self {
        Self { kind: kind.into(), id: id.into() }
    }

    /// The uid as `{"type": .., "id": ..}`.
    pub fn json(&self) -> Json {
        json!({ "type": self.kind, "id": self.id })
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.kind, Quoted(&self.id))
    }
}

// === impl Quoted ===

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Rust's escapes are Cedar's.
        write!(f, "{:?}", self.0)
    }
}

// === impl Uids ===

impl Uids {
    /// The uid in Cedar's form.
    ///
    /// # Errors
    ///
    /// The type is no name.
    pub fn cedar(&mut self, uid: &Uid) -> Result<EntityUid, Box<ParseErrors>> {
        let kind = match self.kinds.get(&uid.kind) {
            Some(kind) => kind.clone(),
            None => {
                let kind = EntityTypeName::from_str(&uid.kind).map_err(Box::new)?;
                self.kinds.insert(uid.kind.clone(), kind.clone());
                kind
            }
        };
        Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(&uid.id)))
    }
}
