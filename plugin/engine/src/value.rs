//! Values as the evaluator handles them: small, `Copy`, and without lifetimes.
//!
//! Text, sets, records and entities live in pools; a value refers to its pool by index. There are
//! two pools: the model's (from the bundle, checked when loaded) and the request's (rebuilt for
//! each request). The highest bit of an index says which one. A reference that leads nowhere can
//! therefore only be a bug, and reads as empty instead of panicking.

use crate::ext::ip::IpNet;
use serde::{Deserialize, Serialize};

/// Set in an index that points into the request's pool.
const REQUEST: u32 = 1 << 31;

/// An attribute name, entity type name or tag name, interned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Sym(pub u32);

/// An entity uid, interned: equal ids mean equal uids, within one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Uid(pub u32);

/// A piece of text in a pool, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// Byte offset of the first byte.
    pub start: u32,
    /// Length in bytes.
    pub len: u32,
}

/// A run of elements in a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Index of the first element.
    pub start: u32,
    /// Number of elements.
    pub len: u32,
}

/// A Cedar value.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Value {
    /// A boolean.
    Bool(bool),
    /// An instant, in milliseconds since 1970-01-01T00:00:00Z.
    Datetime(i64),
    /// A decimal, in units of 1/10,000.
    Decimal(i64),
    /// A length of time, in milliseconds.
    Duration(i64),
    /// An entity.
    Entity(Uid),
    /// An IP address or range.
    Ip(IpNet),
    /// An integer.
    Long(i64),
    /// A record: its fields, strictly ascending by name.
    Record(Span),
    /// A set: its elements, strictly ascending in the order of [`Pools::compare`](crate::request::Pools::compare).
    Set(Span),
    /// A string.
    Str(Text),
}

/// One attribute of a record or entity.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Field {
    /// The attribute's name.
    pub name: Sym,
    /// Its value.
    pub value: Value,
}

/// The two pools an index may point into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// The model's pool, from the bundle.
    Model,
    /// The request's own pool.
    Request,
}

// === impl index types ===

/// Splits an index into its pool and the position in it.
pub(crate) const fn split(index: u32) -> (Pool, usize) {
    if index & REQUEST == 0 {
        (Pool::Model, index as usize)
    } else {
        (Pool::Request, (index & !REQUEST) as usize)
    }
}

/// Marks a position as one in the request's pool. Saturates: no pool comes near 2^31 elements.
pub(crate) fn in_request(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX) | REQUEST
}

impl Span {
    /// The span of no elements.
    pub const EMPTY: Self = Self { start: 0, len: 0 };

    pub(crate) fn pool(self) -> Pool {
        split(self.start).0
    }

    /// The range of positions in the model's pool, or `None` where it is none.
    pub(crate) fn model_range(self) -> Option<core::ops::Range<usize>> {
        let end = self.start.checked_add(self.len)?;
        (end <= REQUEST && self.start < REQUEST).then_some(self.start as usize..end as usize)
    }

    /// The range of positions in its pool.
    pub(crate) fn range(self) -> core::ops::Range<usize> {
        let (_, start) = split(self.start);
        start..start.saturating_add(self.len as usize)
    }
}

impl Text {
    /// The empty text.
    pub const EMPTY: Self = Self { start: 0, len: 0 };

    pub(crate) fn span(self) -> Span {
        Span { start: self.start, len: self.len }
    }
}

impl Value {
    /// A number for the kind of value: the first key of the order of values.
    pub(crate) const fn kind(&self) -> u8 {
        match self {
            Self::Bool(_) => 0,
            Self::Long(_) => 1,
            Self::Str(_) => 2,
            Self::Entity(_) => 3,
            Self::Set(_) => 4,
            Self::Record(_) => 5,
            Self::Decimal(_) => 6,
            Self::Ip(_) => 7,
            Self::Datetime(_) => 8,
            Self::Duration(_) => 9,
        }
    }
}
