//! The form of Cedar's integration tests.

use serde::Deserialize;
use serde_json::Value as Json;
use std::collections::BTreeSet;

/// A test: what is decided by, and what is asked.
#[derive(Clone, Debug, Deserialize)]
pub struct Test {
    /// The file of the policies.
    pub policies: String,
    /// The file of the entities.
    pub entities: String,
    /// The file of the schema, in either syntax.
    pub schema: String,
    /// What is asked.
    pub requests: Vec<Request>,
}

/// A request, and the answer that it must get.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// What it is about.
    #[serde(default)]
    pub description: String,
    /// Who asks: `{"type": .., "id": ..}`.
    pub principal: Json,
    /// What it wants to do.
    pub action: Json,
    /// What it wants to do that to.
    pub resource: Json,
    /// The circumstances.
    pub context: Json,
    /// Whether the request fits the schema.
    #[serde(default = "yes")]
    pub validate_request: bool,
    /// The decision.
    pub decision: Decision,
    /// The ids of the policies that determine it.
    pub reason: BTreeSet<String>,
    /// The ids of the policies whose evaluation fails.
    pub errors: BTreeSet<String>,
}

/// A decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// It is allowed.
    #[serde(alias = "Allow")]
    Allow,
    /// It is denied.
    #[serde(alias = "Deny")]
    Deny,
}

/// The fields of a test of which entities and schemas have none.
const FIELDS: [&str; 3] = ["policies", "requests", "shouldValidate"];

// === impl Test ===

impl Test {
    /// Reads a test; `None` for JSON that is something else, such as entities.
    pub fn read(text: &str) -> Option<Result<Self, String>> {
        let json: Json = match serde_json::from_str(text) {
            Ok(json) => json,
            Err(error) => return Some(Err(format!("it is no JSON: {error}"))),
        };
        let is_test =
            json.as_object().is_some_and(|json| FIELDS.iter().any(|f| json.contains_key(*f)));
        is_test.then(|| {
            serde_json::from_value(json).map_err(|error| format!("it is no test: {error}"))
        })
    }
}

fn yes() -> bool {
    true
}
