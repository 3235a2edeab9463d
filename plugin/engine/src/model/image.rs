//! The model as it lies in a bundle: flat tables that refer to each other by index, unchecked.

use crate::ext::ExtFn;
use crate::pattern::Pattern;
use crate::value::{Field, Span, Sym, Text, Uid, Value};
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Everything that policies are evaluated against, but for the request.
///
/// [`Model::load`](super::Model::load) checks it; nothing here may be trusted before.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ModelImage {
    /// All text, end to end.
    pub text: String,
    /// Interned names, strictly ascending by text.
    pub syms: Vec<Text>,
    /// Interned entity uids, strictly ascending by type and then by the text of the id.
    pub uids: Vec<UidImage>,
    /// Elements of the sets in this model.
    pub values: Vec<Value>,
    /// Fields of the records and entities in this model.
    pub fields: Vec<Field>,
    /// Runs of uids: ancestors, parents, scopes.
    pub uid_runs: Vec<Uid>,
    /// Runs of names: the fields of record constructors.
    pub sym_runs: Vec<Sym>,
    /// The patterns of `like`.
    pub patterns: Vec<Pattern>,
    /// The entity store, strictly ascending by uid.
    pub entities: Vec<EntityImage>,
    /// The instructions of all policies.
    pub ops: Vec<Op>,
    /// The policies, strictly ascending by the text of the id.
    pub policies: Vec<PolicyImage>,
    /// The facts that a request's context is made of, ascending by group and name.
    pub facts: Vec<FactImage>,
    /// What keys have in common.
    pub profiles: Vec<ProfileImage>,
    /// How tokens are formed.
    pub token: TokenImage,
}

/// An entity uid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UidImage {
    /// The entity type, with its namespace.
    pub kind: Sym,
    /// The entity id.
    pub id: Text,
}

/// An entity of the store.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct EntityImage {
    /// Which entity.
    pub uid: Uid,
    /// Its attributes, in `fields`.
    pub attrs: Span,
    /// Its tags, in `fields`.
    pub tags: Span,
    /// All its ancestors, in `uid_runs`, strictly ascending, the entity itself not among them.
    pub ancestors: Span,
}

/// Whether a policy permits or forbids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// `forbid`
    Forbid,
    /// `permit`
    Permit,
}

impl Effect {
    /// The word of a policy for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Forbid => "forbid",
            Self::Permit => "permit",
        }
    }
}

/// A policy.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct PolicyImage {
    /// The policy's id.
    pub id: Text,
    /// Its `@reason`, empty where it has none.
    pub reason: Text,
    /// What it does when it applies.
    pub effect: Effect,
    /// Which principals it may apply to.
    pub principal: ScopeImage,
    /// Which actions it may apply to.
    pub action: ActionImage,
    /// Which resources it may apply to.
    pub resource: ScopeImage,
    /// Its condition, in `ops`: leaves one boolean. Empty where there is none.
    pub condition: Span,
    /// The facts that the condition reads: bit N is the fact at index N.
    pub facts: u128,
}

/// The constraint of a policy's head on its principal or resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ScopeImage {
    /// No constraint.
    Any,
    /// `== uid`
    Eq(Uid),
    /// `in uid`
    In(Uid),
    /// `is type`
    Is(Sym),
    /// `is type in uid`
    IsIn(Sym, Uid),
}

/// The constraint of a policy's head on its action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ActionImage {
    /// No constraint.
    Any,
    /// `== uid`
    Eq(Uid),
    /// `in uid` or `in [uids]`: a run of `uid_runs`.
    In(Span),
}

/// A request variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// An instruction of the stack machine. Operands are popped, the result is pushed.
///
/// Jump targets are positions within the policy's own condition and lie ahead of the jump, so that
/// every condition ends.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Op {
    /// `l r -> l + r`
    Add,
    /// `e -> e.name`
    Attr(Sym),
    /// `b ->`: if `b` is false, pushes it again and jumps; the left side of `&&`.
    BranchFalse(u32),
    /// `b ->`: if `b` is true, pushes it again and jumps; the left side of `||`.
    BranchTrue(u32),
    /// `args -> f(args)`
    Call(ExtFn),
    /// `b -> b`, an error unless `b` is a boolean.
    CheckBool,
    /// `l r -> l.contains(r)`
    Contains,
    /// `l r -> l.containsAll(r)`
    ContainsAll,
    /// `l r -> l.containsAny(r)`
    ContainsAny,
    /// `l r -> l == r`
    Eq,
    /// `e t -> e.getTag(t)`
    GetTag,
    /// `e -> e has name`
    Has(Sym),
    /// `e t -> e.hasTag(t)`
    HasTag,
    /// `l r -> l in r`
    In,
    /// `e -> e is type`
    Is(Sym),
    /// `s -> s.isEmpty()`
    IsEmpty,
    /// Jumps.
    Jump(u32),
    /// `b ->`: jumps if `b` is false; the condition of `if`.
    JumpFalse(u32),
    /// `l r -> l < r`
    Less,
    /// `l r -> l <= r`
    LessEq,
    /// `s -> s like pattern`, the pattern by its index.
    Like(u32),
    /// `l r -> l * r`
    Mul,
    /// `l -> -l`
    Neg,
    /// `b -> !b`
    Not,
    /// `-> value`
    Push(Value),
    /// `values -> {names: values}`, the names a run of `sym_runs`, strictly ascending.
    Record(Span),
    /// `n values -> [values]`
    Set(u32),
    /// `l r -> l - r`
    Sub,
    /// `-> variable`
    Var(Var),
}

/// One fact of the context: `context.<name>`, or `context.<group>.<name>`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FactImage {
    /// The record within the context that holds the fact, if any. It is always present.
    pub group: Option<Sym>,
    /// The name of the attribute.
    pub name: Sym,
    /// Where the fact comes from.
    pub source: FactSource,
}

/// Where a fact of the request's context comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FactSource {
    /// A verified JWT claim, by name, as a Cedar type.
    Claim(String, ClaimKind),
    /// A request header, by lower-case name.
    Header(String),
    /// The host that the request is for, normalised.
    Host,
    /// Whether the source address lies in one of the key's networks, or the key names none.
    InNetworks,
    /// The request's method.
    Method,
    /// The present instant.
    Now,
    /// A parameter of the route's path template, by name.
    Param(String),
    /// The request's path, without the query.
    Path,
    /// A parameter of the query string, by name.
    Query(String),
    /// The address that the request comes from.
    SourceIp,
    /// The URI SAN of the peer's verified certificate.
    TlsPeer,
    /// The subject of the peer's verified certificate.
    TlsSubject,
    /// Whether the URI SAN of the peer's verified certificate is one of the key's SPIFFE ids, or the
    /// key names none.
    PeerMatches,
}

/// The Cedar type that a claim is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClaimKind {
    /// `Bool`
    Bool,
    /// `Long`
    Long,
    /// `String`
    String,
}

/// What a group of keys has in common: the attributes and parents of their `ApiKey` entity.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct ProfileImage {
    /// Attributes, in `fields`. Those of the single key (`created`, `expires`, `notBefore`,
    /// `revoked`) are added to them when a request is decided.
    pub attrs: Span,
    /// Parents, in `uid_runs`.
    pub parents: Span,
    /// The owner, as shown to upstreams.
    pub owner: Text,
    /// What the keys are bound to, in `values`: networks (`Ip`), and SPIFFE ids of peers (`Str`).
    /// None of a kind: any.
    pub bound_to: Span,
}

/// How the tokens of this inventory are formed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenImage {
    /// The prefix of every token.
    pub prefix: String,
    /// The environment that every token names.
    pub environment: String,
    /// Whether tokens of another form are looked up by their hash.
    pub allow_foreign: bool,
}
