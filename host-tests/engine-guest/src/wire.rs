//! What crosses between host and guest: plain data, without the interning of the engine.

pub use cedarkey_engine::ext::ip::IpNet;

use serde::{Deserialize, Serialize};

/// A bundle to decide by.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Load {
    /// The bytes of its archive.
    pub archive: Vec<u8>,
    /// The key that must have signed it, in text form.
    pub trusted: String,
    /// The time to hold it against, in seconds since 1970-01-01T00:00:00Z.
    pub now: i64,
}

/// What is asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Question {
    /// Who asks.
    pub principal: Uid,
    /// What it wants to do.
    pub action: Uid,
    /// What it wants to do that to.
    pub resource: Uid,
    /// The circumstances.
    pub context: Vec<(String, Value)>,
    /// An entity that is not in the bundle but comes with the request, as a key's does.
    pub guest: Option<Guest>,
}

/// An entity that comes with a request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Guest {
    /// Which.
    pub uid: Uid,
    /// Its attributes.
    pub attrs: Vec<(String, Value)>,
    /// Its parents.
    pub parents: Vec<Uid>,
}

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Whether it is allowed.
    pub allow: bool,
    /// The ids of the policies that determined it, ascending.
    pub reasons: Vec<String>,
    /// The ids of the policies whose evaluation failed, ascending.
    pub errors: Vec<String>,
}

/// An entity's type and id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uid {
    /// The type, with its namespace.
    pub kind: String,
    /// The id.
    pub id: String,
}

/// A Cedar value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Names and values, in any order.
    Record(Vec<(String, Value)>),
    /// Elements in any order, of which some may be equal.
    Set(Vec<Value>),
    /// A string.
    String(String),
}
