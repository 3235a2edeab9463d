//! What is decided.

use cedarkey_compiler::oracle::Question;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use std::error::Error;
use std::fmt::Write as _;
use std::str::FromStr;

/// Policies, entities and requests.
#[derive(Clone, Debug)]
pub struct Workload {
    /// The policies, in Cedar's syntax.
    pub policies: String,
    /// The entities, in Cedar's JSON format.
    pub entities: Json,
    /// The requests.
    pub questions: Vec<Question>,
}

/// All workloads: so many policies of which one matches, and the applications.
pub const WORKLOADS: [&str; 8] = ["1", "10", "100", "1000", "10000", "documents", "code", "tasks"];

macro_rules! app {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../apps/", $name, ".cedar")),
            include_str!(concat!("../apps/", $name, ".entities.json")),
            include_str!(concat!("../apps/", $name, ".json")),
        )
    };
}
/// The applications of `apps/`: a name, policies, entities and requests.
const APPS: [(&str, &str, &str, &str); 3] = [app!("documents"), app!("code"), app!("tasks")];

/// A request of an application.
#[derive(Deserialize)]
struct AppRequest {
    principal: Uid,
    action: Uid,
    resource: Uid,
    context: Json,
}

#[derive(Deserialize)]
struct Uid {
    r#type: String,
    id: String,
}

// === impl Workload ===

impl Workload {
    /// An application, or, for a number, so many policies of which one matches.
    ///
    /// # Errors
    ///
    /// There is none of that name.
    pub fn named(name: &str) -> Result<Self, Box<dyn Error>> {
        if let Ok(policies) = name.parse() {
            return Self::one_of(policies);
        }
        let app = APPS.iter().find(|(own, ..)| *own == name);
        let (_, policies, entities, requests) = app.ok_or_else(|| format!("no app `{name}`"))?;
        #[derive(Deserialize)]
        struct File {
            requests: Vec<AppRequest>,
        }
        let File { requests } = serde_json::from_str(requests)?;
        let questions = requests.into_iter().map(AppRequest::question).collect::<Result<_, _>>()?;
        Ok(Self {
            policies: (*policies).into(),
            entities: serde_json::from_str(entities)?,
            questions,
        })
    }

    /// So many policies, of which the scope of one matches the request.
    fn one_of(policies: usize) -> Result<Self, Box<dyn Error>> {
        let mut text = String::new();
        for at in 0..policies {
            writeln!(
                text,
                "permit (principal in Team::\"{at}\", action == Action::\"read\", resource in Folder::\"{at}\")
                 when {{ context.level >= {level} && resource.owners.contains(principal) }};",
                level = at % 8,
            )?;
        }
        let entities = json!([
            { "uid": { "type": "User", "id": "ann" }, "attrs": {},
              "parents": [{ "type": "Team", "id": "0" }] },
            { "uid": { "type": "Team", "id": "0" }, "attrs": {}, "parents": [] },
            { "uid": { "type": "Folder", "id": "0" }, "attrs": {}, "parents": [] },
            { "uid": { "type": "File", "id": "1" },
              "attrs": { "owners": [{ "__entity": { "type": "User", "id": "ann" } }] },
              "parents": [{ "type": "Folder", "id": "0" }] },
        ]);
        let uid = |kind: &str, id: &str| Uid { r#type: kind.into(), id: id.into() };
        let request = AppRequest {
            principal: uid("User", "ann"),
            action: uid("Action", "read"),
            resource: uid("File", "1"),
            context: json!({ "level": 3 }),
        };
        Ok(Self { policies: text, entities, questions: vec![request.question()?] })
    }
}

// === impl AppRequest ===

impl AppRequest {
    fn question(self) -> Result<Question, Box<dyn Error>> {
        let uid = |Uid { r#type, id }: Uid| {
            let kind = cedar_policy::EntityTypeName::from_str(&r#type)?;
            let id = cedar_policy::EntityId::new(id);
            Ok::<_, Box<dyn Error>>(cedar_policy::EntityUid::from_type_name_and_id(kind, id))
        };
        Ok(Question {
            principal: uid(self.principal)?,
            action: uid(self.action)?,
            resource: uid(self.resource)?,
            context: self.context,
        })
    }
}
