//! Expressions of Cedar's policy language.

mod text;

pub use text::{is_method, is_name};

use crate::uid::Uid;
use crate::value::Value;
use cedarkey_engine::ext::ExtFn;

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// `true`
    Bool(bool),
    /// `42`
    Long(i64),
    /// `"text"`
    Str(String),
    /// `User::"ann"`
    Entity(Uid),
    /// `principal`
    Var(Var),
    /// `!e` and the like.
    Unary(UnOp, Box<Self>),
    /// `l == r` and the like.
    Binary(BinOp, Box<Self>, Box<Self>),
    /// `if c then a else b`
    If(Box<Self>, Box<Self>, Box<Self>),
    /// `e.name`, or `e["name"]`
    Attr(Box<Self>, String),
    /// `e has a`, or `e has a.b`
    Has(Box<Self>, Vec<String>),
    /// `e like "a*"`
    Like(Box<Self>, Vec<Piece>),
    /// `e is T`, or `e is T in g`
    Is(Box<Self>, String, Option<Box<Self>>),
    /// `[a, b]`
    Set(Vec<Self>),
    /// `{a: 1}`
    Record(Vec<(String, Self)>),
    /// A call of an extension function, with as many arguments as it may be.
    Call(ExtFn, Vec<Self>),
}

/// A variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Var {
    /// `action`
    Action,
    /// `context`
    Context,
    /// `principal`
    Principal,
    /// `resource`
    Resource,
}

/// An operator with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnOp {
    /// `e.isEmpty()`
    IsEmpty,
    /// `-e`
    Neg,
    /// `!e`
    Not,
}

/// An operator with two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinOp {
    /// `+`
    Add,
    /// `&&`
    And,
    /// `contains`
    Contains,
    /// `containsAll`
    ContainsAll,
    /// `containsAny`
    ContainsAny,
    /// `==`
    Eq,
    /// `getTag`
    GetTag,
    /// `>`
    Greater,
    /// `>=`
    GreaterEq,
    /// `hasTag`
    HasTag,
    /// `in`
    In,
    /// `<`
    Less,
    /// `<=`
    LessEq,
    /// `*`
    Mul,
    /// `!=`
    NotEq,
    /// `||`
    Or,
    /// `-`
    Sub,
}

/// A piece of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// `*`: any text.
    Any,
    /// This text.
    Text(String),
}

// === impl Expr ===

impl Expr {
    /// An operator with one operand.
    pub fn unary(op: UnOp, operand: Self) -> Self {
        Self::Unary(op, Box::new(operand))
    }

    /// An operator with two operands.
    pub fn binary(op: BinOp, left: Self, right: Self) -> Self {
        Self::Binary(op, Box::new(left), Box::new(right))
    }

    /// An attribute.
    pub fn attr(self, name: &str) -> Self {
        Self::Attr(Box::new(self), name.into())
    }

    /// `if c then a else b`
    pub fn choice(condition: Self, then: Self, other: Self) -> Self {
        Self::If(Box::new(condition), Box::new(then), Box::new(other))
    }

    /// The name of the construct that it is, of which there are not many.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Bool(_) => "Bool",
            Self::Long(_) => "Long",
            Self::Str(_) => "String",
            Self::Entity(_) => "Entity",
            Self::Var(var) => var.name(),
            Self::Unary(op, _) => op.name(),
            Self::Binary(op, ..) => op.name(),
            Self::If(..) => "if",
            Self::Attr(..) => ".",
            Self::Has(_, path) if path.len() > 1 => "has path",
            Self::Has(..) => "has",
            Self::Like(..) => "like",
            Self::Is(_, _, None) => "is",
            Self::Is(..) => "is in",
            Self::Set(_) => "Set",
            Self::Record(_) => "Record",
            Self::Call(function, _) => function.name(),
        }
    }

    /// The expressions that it is made of.
    pub fn parts(&self) -> Vec<&Self> {
        match self {
            Self::Bool(_) | Self::Long(_) | Self::Str(_) | Self::Entity(_) | Self::Var(_) => {
                Vec::new()
            }
            Self::Unary(_, e) | Self::Attr(e, _) | Self::Has(e, _) | Self::Like(e, _) => vec![e],
            Self::Is(e, _, group) => std::iter::once(e).chain(group).map(|e| &**e).collect(),
            Self::Binary(_, left, right) => vec![left, right],
            Self::If(condition, then, other) => vec![condition, then, other],
            Self::Set(elements) | Self::Call(_, elements) => elements.iter().collect(),
            Self::Record(fields) => fields.iter().map(|(_, e)| e).collect(),
        }
    }

    /// The expressions that it is made of, to be changed.
    pub fn parts_mut(&mut self) -> Vec<&mut Self> {
        match self {
            Self::Bool(_) | Self::Long(_) | Self::Str(_) | Self::Entity(_) | Self::Var(_) => {
                Vec::new()
            }
            Self::Unary(_, e) | Self::Attr(e, _) | Self::Has(e, _) | Self::Like(e, _) => vec![e],
            Self::Is(e, _, group) => std::iter::once(e).chain(group).map(|e| &mut **e).collect(),
            Self::Binary(_, left, right) => vec![left, right],
            Self::If(condition, then, other) => vec![condition, then, other],
            Self::Set(elements) | Self::Call(_, elements) => elements.iter_mut().collect(),
            Self::Record(fields) => fields.iter_mut().map(|(_, e)| e).collect(),
        }
    }

    /// How deep it nests: 1 where it is made of nothing.
    pub fn depth(&self) -> usize {
        let mut next = vec![(self, 1_usize)];
        let mut deepest = 0;
        while let Some((expr, depth)) = next.pop() {
            deepest = deepest.max(depth);
            next.extend(expr.parts().into_iter().map(|part| (part, depth.saturating_add(1))));
        }
        deepest
    }

    /// Looks at it and at all that it is made of.
    pub fn visit<'a>(&'a self, look: &mut impl FnMut(&'a Self)) {
        let mut next = vec![self];
        while let Some(expr) = next.pop() {
            look(expr);
            next.extend(expr.parts());
        }
    }
}

impl From<&Value> for Expr {
    fn from(value: &Value) -> Self {
        match value {
            Value::Bool(value) => Self::Bool(*value),
            Value::Long(value) => Self::Long(*value),
            Value::Str(text) => Self::Str(text.clone()),
            Value::Entity(uid) => Self::Entity(uid.clone()),
            Value::Set(elements) => Self::Set(elements.iter().map(Self::from).collect()),
            Value::Record(fields) => {
                Self::Record(fields.iter().map(|(name, e)| (name.clone(), e.into())).collect())
            }
            Value::Ext(function, text) => Self::Call(*function, vec![Self::Str(text.clone())]),
        }
    }
}

// === impl Var, UnOp and BinOp ===

impl Var {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Action, Self::Context, Self::Principal, Self::Resource];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Context => "context",
            Self::Principal => "principal",
            Self::Resource => "resource",
        }
    }
}

impl UnOp {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::IsEmpty, Self::Neg, Self::Not];

    /// How it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::IsEmpty => "isEmpty",
            Self::Neg => "neg",
            Self::Not => "!",
        }
    }
}

impl BinOp {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::Add,
        Self::And,
        Self::Contains,
        Self::ContainsAll,
        Self::ContainsAny,
        Self::Eq,
        Self::GetTag,
        Self::Greater,
        Self::GreaterEq,
        Self::HasTag,
        Self::In,
        Self::Less,
        Self::LessEq,
        Self::Mul,
        Self::NotEq,
        Self::Or,
        Self::Sub,
    ];

    /// How it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::And => "&&",
            Self::Contains => "contains",
            Self::ContainsAll => "containsAll",
            Self::ContainsAny => "containsAny",
            Self::Eq => "==",
            Self::GetTag => "getTag",
            Self::Greater => ">",
            Self::GreaterEq => ">=",
            Self::HasTag => "hasTag",
            Self::In => "in",
            Self::Less => "<",
            Self::LessEq => "<=",
            Self::Mul => "*",
            Self::NotEq => "!=",
            Self::Or => "||",
            Self::Sub => "-",
        }
    }

    /// Whether it is written as a method.
    pub const fn is_method(self) -> bool {
        matches!(
            self,
            Self::Contains | Self::ContainsAll | Self::ContainsAny | Self::GetTag | Self::HasTag
        )
    }
}
