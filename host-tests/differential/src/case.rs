//! A case: what is decided by, and what is asked.

use crate::policy::Policy;
use crate::schema::Schema;
use crate::uid::Uid;
use crate::value::{Value, record};
use serde_json::{Value as Json, json};

/// A case.
#[derive(Clone, Debug)]
pub struct Case {
    /// The schema.
    pub schema: Schema,
    /// The policies and templates. Their ids are `policy0`, `policy1` and so on.
    pub policies: Vec<Policy>,
    /// The links of the templates.
    pub links: Vec<Link>,
    /// The entities, without the schema's actions.
    pub entities: Vec<Entity>,
    /// Whether the entities are as the schema wants them.
    pub conforms: bool,
    /// The entity that is not in the compiled store but comes with each request, as a key does. It
    /// has no tags, and is nobody's parent.
    pub guest: Option<Uid>,
    /// What is asked.
    pub requests: Vec<Request>,
}

/// A link of a template.
#[derive(Clone, Debug)]
pub struct Link {
    /// Its id.
    pub id: String,
    /// The template, by position.
    pub template: usize,
    /// What stands in for `?principal`.
    pub principal: Option<Uid>,
    /// What stands in for `?resource`.
    pub resource: Option<Uid>,
}

/// An entity.
#[derive(Clone, Debug)]
pub struct Entity {
    /// Which.
    pub uid: Uid,
    /// Its attributes, whose names differ.
    pub attrs: Vec<(String, Value)>,
    /// Its tags, whose names differ.
    pub tags: Vec<(String, Value)>,
    /// Its parents, which need not be there.
    pub parents: Vec<Uid>,
}

/// A question.
#[derive(Clone, Debug)]
pub struct Request {
    /// Who asks.
    pub principal: Uid,
    /// What it wants to do.
    pub action: Uid,
    /// What it wants to do that to.
    pub resource: Uid,
    /// The circumstances; the names differ.
    pub context: Vec<(String, Value)>,
}

// === impl Case ===

impl Case {
    /// The policies and templates as text.
    pub fn policies_text(&self) -> String {
        self.policies.iter().map(|policy| format!("{policy}\n")).collect()
    }

    /// The id that Cedar gives the policy at a position.
    pub fn policy_id(at: usize) -> String {
        format!("policy{at}")
    }

    /// The position of the policy or template that an id belongs to: its own, or that of a link.
    pub fn position(&self, id: &str) -> Option<usize> {
        let link = self.links.iter().find(|link| link.id == id).map(|link| link.template);
        link.or_else(|| id.strip_prefix("policy")?.parse().ok())
    }

    /// The schema's actions, as entities.
    pub fn action_entities(&self) -> impl Iterator<Item = Entity> {
        self.schema.actions.iter().enumerate().map(|(at, action)| Entity {
            uid: self.schema.action_uid(at),
            attrs: Vec::new(),
            tags: Vec::new(),
            parents: action.groups.iter().map(|at| self.schema.action_uid(*at)).collect(),
        })
    }

    /// All entities that the schema does not bring.
    pub fn all_entities(&self) -> Vec<Entity> {
        let mut all = self.entities.clone();
        if !self.conforms {
            all.extend(self.action_entities());
        }
        all
    }
}

// === impl Entity ===

impl Entity {
    /// The entity in Cedar's JSON format.
    pub fn json(&self) -> Json {
        let mut json = json!({
            "uid": self.uid.json(),
            "attrs": record(&self.attrs),
            "parents": self.parents.iter().map(Uid::json).collect::<Vec<_>>(),
        });
        if let (false, Some(members)) = (self.tags.is_empty(), json.as_object_mut()) {
            members.insert("tags".into(), record(&self.tags));
        }
        json
    }
}
