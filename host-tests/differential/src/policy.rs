//! Policies and templates.

use crate::expression::Expr;
use crate::uid::Uid;
use std::fmt;

/// A policy, or a template if there is a slot in its scope.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Whether it permits; else it forbids.
    pub permits: bool,
    /// Which principals it is about.
    pub principal: Scope,
    /// Which actions it is about.
    pub action: ActionScope,
    /// Which resources it is about.
    pub resource: Scope,
    /// Its conditions.
    pub clauses: Vec<Clause>,
}

/// What a policy demands of its principal or resource.
#[derive(Clone, Debug)]
pub enum Scope {
    /// Nothing.
    Any,
    /// `== uid`
    Eq(Target),
    /// `in uid`
    In(Target),
    /// `is T`
    Is(String),
    /// `is T in uid`
    IsIn(String, Target),
}

/// The entity that a scope names.
#[derive(Clone, Debug)]
pub enum Target {
    /// This one.
    Uid(Uid),
    /// The one that a link names.
    Slot,
}

/// What a policy demands of the action.
#[derive(Clone, Debug)]
pub enum ActionScope {
    /// Nothing.
    Any,
    /// `== uid`
    Eq(Uid),
    /// `in uid`
    In(Uid),
    /// `in [uids]`
    InList(Vec<Uid>),
}

/// A condition.
#[derive(Clone, Debug)]
pub struct Clause {
    /// Whether it is an `unless`; else a `when`.
    pub unless: bool,
    /// What is asked.
    pub body: Expr,
}

/// A scope of a variable.
struct Scoped<'a>(&'static str, &'a Scope);

// === impl Policy ===

impl Policy {
    /// Whether links must name a principal.
    pub fn has_principal_slot(&self) -> bool {
        self.principal.has_slot()
    }

    /// Whether links must name a resource.
    pub fn has_resource_slot(&self) -> bool {
        self.resource.has_slot()
    }

    /// Whether it is a template.
    pub fn is_template(&self) -> bool {
        self.has_principal_slot() || self.has_resource_slot()
    }
}

impl Scope {
    fn has_slot(&self) -> bool {
        matches!(
            self,
            Self::Eq(Target::Slot) | Self::In(Target::Slot) | Self::IsIn(_, Target::Slot)
        )
    }
}

// === impl Display ===

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let effect = if self.permits { "permit" } else { "forbid" };
        let principal = Scoped("principal", &self.principal);
        let resource = Scoped("resource", &self.resource);
        write!(f, "{effect}({principal}, {}, {resource})", self.action)?;
        self.clauses.iter().try_for_each(|clause| write!(f, "\n  {clause}"))?;
        f.write_str(";")
    }
}

impl fmt::Display for Scoped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(var, scope) = self;
        let target = |target: &Target| match target {
            Target::Uid(uid) => uid.to_string(),
            Target::Slot => format!("?{var}"),
        };
        match scope {
            Scope::Any => f.write_str(var),
            Scope::Eq(uid) => write!(f, "{var} == {}", target(uid)),
            Scope::In(uid) => write!(f, "{var} in {}", target(uid)),
            Scope::Is(kind) => write!(f, "{var} is {kind}"),
            Scope::IsIn(kind, uid) => write!(f, "{var} is {kind} in {}", target(uid)),
        }
    }
}

impl fmt::Display for ActionScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("action"),
            Self::Eq(uid) => write!(f, "action == {uid}"),
            Self::In(uid) => write!(f, "action in {uid}"),
            Self::InList(uids) => {
                let uids: Vec<_> = uids.iter().map(ToString::to_string).collect();
                write!(f, "action in [{}]", uids.join(", "))
            }
        }
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {{ {} }}", if self.unless { "unless" } else { "when" }, self.body)
    }
}
