//! The form of Cedar's integration tests.

use serde::Deserialize;
use serde_json::Value as Json;
use std::collections::BTreeSet;

/// A test: what is decided by, and what is asked.
#[derive(Clone, Debug, Deserialize)]
pub struct Test {
    /// The file of the policies, in either syntax.
    pub policies: String,
    /// The file of the entities.
    pub entities: String,
    /// The file of the schema, in either syntax. Cedar's own tests always have one.
    pub schema: Option<String>,
    /// The file of the templates' links, as the Cedar CLI has it. Cedar's own tests have none.
    pub links: Option<String>,
    /// The entity that is not in the bundle but comes with each request, as a key's does. Cedar's
    /// own tests have none.
    pub guest: Option<Json>,
    /// What is asked.
    #[serde(alias = "queries")]
    pub requests: Vec<Request>,
}

/// A request, and the answer that it must get.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// What it is about.
    #[serde(default, alias = "desc")]
    pub description: String,
    /// Who asks: `{"type": .., "id": ..}`, or as in a policy.
    pub principal: Json,
    /// What it wants to do.
    pub action: Json,
    /// What it wants to do that to.
    pub resource: Json,
    /// The circumstances.
    #[serde(default = "nothing")]
    pub context: Json,
    /// Whether the request fits the schema.
    #[serde(default = "yes", alias = "validate_request")]
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
const FIELDS: [&str; 4] = ["policies", "queries", "requests", "shouldValidate"];

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

fn nothing() -> Json {
    Json::Object(Default::default())
}
