//! Schemas: what types of entities and actions there are.

use crate::uid::{Quoted, Uid};
use std::fmt::{self, Write as _};

/// A schema.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    /// The types of entities.
    pub kinds: Vec<Kind>,
    /// The namespace of the actions; may be empty.
    pub action_space: String,
    /// The actions. A group stands before its members.
    pub actions: Vec<Action>,
}

/// A type of entities.
#[derive(Clone, Debug)]
pub struct Kind {
    /// Its namespace; may be empty.
    pub space: String,
    /// Its name in that.
    pub name: String,
    /// The types that its entities may have as parents, by position.
    pub parents: Vec<usize>,
    /// Its attributes.
    pub attrs: Vec<Field>,
    /// The type of its tags, if it may have some.
    pub tags: Option<Type>,
    /// The ids that there are, for a type that lists them. Such a type has nothing else.
    pub ids: Vec<String>,
}

/// An action, or a group of them.
#[derive(Clone, Debug)]
pub struct Action {
    /// Its id.
    pub id: String,
    /// The groups that it is in, by position.
    pub groups: Vec<usize>,
    /// What it applies to, if anything.
    pub applies: Option<Applies>,
}

/// What an action applies to.
#[derive(Clone, Debug)]
pub struct Applies {
    /// The types of principals, by position.
    pub principals: Vec<usize>,
    /// The types of resources, by position.
    pub resources: Vec<usize>,
    /// What its context is made of.
    pub context: Vec<Field>,
}

/// An attribute of an entity or record.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// Whether it may be missing.
    pub optional: bool,
}

/// A type of values.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// A boolean.
    Bool,
    /// An integer.
    Long,
    /// A string.
    Str,
    /// An extension type.
    Ext(Ext),
    /// An entity of a type, by position.
    Entity(usize),
    /// An action. No attribute has this type.
    Action,
    /// A set.
    Set(Box<Self>),
    /// A record.
    Record(Vec<Field>),
}

/// An extension type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ext {
    /// `datetime`
    Datetime,
    /// `decimal`
    Decimal,
    /// `duration`
    Duration,
    /// `ipaddr`
    Ip,
}

/// A type as the schema's text has it.
struct Written<'a>(&'a Schema, &'a Type);

/// Attributes as the schema's text has them.
struct Fields<'a>(&'a Schema, &'a [Field]);

// === impl Schema ===

impl Schema {
    /// The full name of a type.
    pub fn kind_name(&self, at: usize) -> String {
        self.kinds.get(at).map_or_else(String::new, Kind::full_name)
    }

    /// The full name of the type of actions.
    pub fn action_kind(&self) -> String {
        qualified(&self.action_space, "Action")
    }

    /// The uid of an action.
    pub fn action_uid(&self, at: usize) -> Uid {
        let id = self.actions.get(at).map_or_else(String::new, |action| action.id.clone());
        Uid::new(self.action_kind(), id)
    }

    /// The names of the types at some positions.
    fn names(&self, at: &[usize]) -> String {
        at.iter().map(|at| self.kind_name(*at)).collect::<Vec<_>>().join(", ")
    }

    fn write_kind(&self, f: &mut fmt::Formatter<'_>, kind: &Kind) -> fmt::Result {
        write!(f, "  entity {}", kind.name)?;
        if !kind.ids.is_empty() {
            let ids: Vec<_> = kind.ids.iter().map(|id| Quoted(id).to_string()).collect();
            return writeln!(f, " enum [{}];", ids.join(", "));
        }
        if !kind.parents.is_empty() {
            write!(f, " in [{}]", self.names(&kind.parents))?;
        }
        write!(f, " = {}", Fields(self, &kind.attrs))?;
        if let Some(tags) = &kind.tags {
            write!(f, " tags {}", Written(self, tags))?;
        }
        f.write_str(";\n")
    }

    fn write_action(&self, f: &mut fmt::Formatter<'_>, action: &Action) -> fmt::Result {
        write!(f, "  action {}", Quoted(&action.id))?;
        let groups = action.groups.iter().filter_map(|at| self.actions.get(*at));
        let groups: Vec<_> = groups.map(|group| Quoted(&group.id).to_string()).collect();
        if !groups.is_empty() {
            write!(f, " in [{}]", groups.join(", "))?;
        }
        if let Some(Applies { principals, resources, context }) = &action.applies {
            let (principals, resources) = (self.names(principals), self.names(resources));
            write!(f, " appliesTo {{ principal: [{principals}], resource: [{resources}], ")?;
            write!(f, "context: {} }}", Fields(self, context))?;
        }
        f.write_str(";\n")
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut spaces: Vec<_> = self.kinds.iter().map(|kind| kind.space.as_str()).collect();
        spaces.push(&self.action_space);
        spaces.sort_unstable();
        spaces.dedup();
        for space in spaces {
            if !space.is_empty() {
                writeln!(f, "namespace {space} {{")?;
            }
            for kind in self.kinds.iter().filter(|kind| kind.space == space) {
                self.write_kind(f, kind)?;
            }
            if space == self.action_space {
                self.actions.iter().try_for_each(|action| self.write_action(f, action))?;
            }
            if !space.is_empty() {
                f.write_str("}\n")?;
            }
        }
        Ok(())
    }
}

// === impl Kind ===

impl Kind {
    /// Its name, with the namespace.
    pub fn full_name(&self) -> String {
        qualified(&self.space, &self.name)
    }
}

fn qualified(space: &str, name: &str) -> String {
    if space.is_empty() { name.into() } else { format!("{space}::{name}") }
}

// === impl Display ===

impl fmt::Display for Written<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(schema, ty) = self;
        match ty {
            Type::Bool => f.write_str("Bool"),
            Type::Long => f.write_str("Long"),
            Type::Str => f.write_str("String"),
            Type::Ext(Ext::Datetime) => f.write_str("datetime"),
            Type::Ext(Ext::Decimal) => f.write_str("decimal"),
            Type::Ext(Ext::Duration) => f.write_str("duration"),
            Type::Ext(Ext::Ip) => f.write_str("ipaddr"),
            Type::Entity(at) => f.write_str(&schema.kind_name(*at)),
            Type::Action => f.write_str(&schema.action_kind()),
            Type::Set(inner) => write!(f, "Set<{}>", Self(schema, inner)),
            Type::Record(fields) => Fields(schema, fields).fmt(f),
        }
    }
}

impl fmt::Display for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(schema, fields) = self;
        f.write_char('{')?;
        for (at, Field { name, ty, optional }) in fields.iter().enumerate() {
            let (comma, mark) = (if at > 0 { ", " } else { "" }, if *optional { "?" } else { "" });
            write!(f, "{comma}{}{mark}: {}", Quoted(name), Written(schema, ty))?;
        }
        f.write_char('}')
    }
}
