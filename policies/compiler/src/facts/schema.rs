//! Reading the context types of a schema, in its JSON form.

use super::{Path, Plan};
use cedarkey_engine::model::{ClaimKind, FactSource, MAX_FACTS};
use serde_json::Value as Json;

/// Why the context of a schema is not one that a request can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FactError {
    /// Two actions give one fact different types.
    #[error("`context.{0}` has different types for different actions")]
    Conflict(String),
    /// A fact that not every request has must be optional.
    #[error("`context.{0}` must be optional: not every request has it")]
    MustBeOptional(String),
    /// The type is not the fact's.
    #[error("`context.{path}` must be of type `{wanted}`")]
    Type {
        /// The attribute.
        path: String,
        /// What it must be.
        wanted: &'static str,
    },
    /// More facts than fit.
    #[error("the context declares more than {MAX_FACTS} facts")]
    TooMany,
    /// Nothing that a request has.
    #[error("`context.{0}` is nothing that a request has")]
    Unknown(String),
}

/// A type as far as facts care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bool,
    Datetime,
    Ip,
    Long,
    Other,
    String,
}

/// The schema in its JSON form, with a namespace to look names up in.
#[derive(Clone, Copy)]
struct Scope<'a> {
    schema: &'a Json,
    namespace: &'a str,
}

impl FactError {
    /// The attribute that it is about, without `context.`.
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Conflict(path) | Self::MustBeOptional(path) | Self::Unknown(path) => Some(path),
            Self::Type { path, .. } => Some(path),
            Self::TooMany => None,
        }
    }

    /// What would help.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Conflict(_) => "give all actions one context type, as the standard library does",
            Self::MustBeOptional(_) => "write a `?` behind its name",
            Self::Type { .. } => "the standard library's schema shows all facts with their types",
            Self::TooMany => "declare only the headers, claims and parameters that policies read",
            Self::Unknown(_) => {
                "there are: now, method, path, host, sourceIp, inNetworks, peerMatches, and the groups params, headers, query, tls, claims"
            }
        }
    }
}

impl Plan {
    /// The facts that the context types of a schema declare.
    ///
    /// # Errors
    ///
    /// All declarations that are not facts.
    pub fn from_schema(schema: &Json) -> Result<Self, Vec<FactError>> {
        let mut plan = Self::default();
        let mut errors = Vec::new();
        for (namespace, body) in schema.as_object().into_iter().flatten() {
            let scope = Scope { schema, namespace };
            for action in body.get("actions").and_then(Json::as_object).into_iter().flatten() {
                let context = action.1.get("appliesTo").and_then(|applies| applies.get("context"));
                let Some(context) = context else { continue };
                for (name, attribute) in scope.attributes(context).into_iter().flatten() {
                    plan.top(scope, name, attribute, &mut errors);
                }
            }
        }
        if plan.facts.len() > MAX_FACTS {
            errors.push(FactError::TooMany);
        }
        // Many actions share one context type, and so its mistakes.
        let mut seen: Vec<FactError> = Vec::new();
        errors.retain(|error| {
            let new = !seen.contains(error);
            seen.extend(new.then(|| error.clone()));
            new
        });
        if errors.is_empty() { Ok(plan) } else { Err(errors) }
    }

    fn top(&mut self, scope: Scope<'_>, name: &str, ty: &Json, errors: &mut Vec<FactError>) {
        let (source, kind, wanted) = match name {
            "now" => (FactSource::Now, Kind::Datetime, "datetime"),
            "method" => (FactSource::Method, Kind::String, "String"),
            "path" => (FactSource::Path, Kind::String, "String"),
            "host" => (FactSource::Host, Kind::String, "String"),
            "sourceIp" => (FactSource::SourceIp, Kind::Ip, "ipaddr"),
            "inNetworks" => (FactSource::InNetworks, Kind::Bool, "Bool"),
            "peerMatches" => (FactSource::PeerMatches, Kind::Bool, "Bool"),
            "params" | "headers" | "query" | "tls" | "claims" => {
                let Some(members) = scope.attributes(ty) else {
                    let wanted = "{ name?: String }";
                    return errors.push(FactError::Type { path: name.into(), wanted });
                };
                for (member, ty) in members {
                    self.member(scope, name, member, ty, errors);
                }
                return;
            }
            _ => return errors.push(FactError::Unknown(name.into())),
        };
        if scope.kind(ty) != kind {
            return errors.push(FactError::Type { path: name.into(), wanted });
        }
        self.add(Path { top: name.into(), member: None }, source, errors);
    }

    fn member(
        &mut self,
        scope: Scope<'_>,
        group: &str,
        name: &str,
        ty: &Json,
        errors: &mut Vec<FactError>,
    ) {
        let shown = format!("{group}.{name}");
        let owned = String::from(name);
        let source = match (group, name, scope.kind(ty)) {
            ("claims", _, Kind::Bool) => FactSource::Claim(owned, ClaimKind::Bool),
            ("claims", _, Kind::Long) => FactSource::Claim(owned, ClaimKind::Long),
            ("claims", _, Kind::String) => FactSource::Claim(owned, ClaimKind::String),
            ("claims", ..) => {
                return errors
                    .push(FactError::Type { path: shown, wanted: "String, Long or Bool" });
            }
            ("tls", "peer" | "subject", kind) | ("params" | "headers" | "query", _, kind)
                if kind != Kind::String =>
            {
                return errors.push(FactError::Type { path: shown, wanted: "String" });
            }
            ("params", ..) => FactSource::Param(owned),
            ("headers", ..) => FactSource::Header(name.to_ascii_lowercase()),
            ("query", ..) => FactSource::Query(owned),
            ("tls", "peer", _) => FactSource::TlsPeer,
            ("tls", "subject", _) => FactSource::TlsSubject,
            _ => return errors.push(FactError::Unknown(shown)),
        };
        if ty.get("required").and_then(Json::as_bool) != Some(false) {
            return errors.push(FactError::MustBeOptional(shown));
        }
        self.add(Path { top: group.into(), member: Some(name.into()) }, source, errors);
    }

    fn add(&mut self, path: Path, source: FactSource, errors: &mut Vec<FactError>) {
        let shown = std::iter::once(&path.top).chain(&path.member);
        let shown = shown.map(String::as_str).collect::<Vec<_>>().join(".");
        if self.facts.insert(path, source.clone()).is_some_and(|other| other != source) {
            errors.push(FactError::Conflict(shown));
        }
    }
}

// === impl Scope ===

impl<'a> Scope<'a> {
    /// The attributes of a record type.
    fn attributes(self, ty: &'a Json) -> Option<Vec<(&'a str, &'a Json)>> {
        let (scope, ty) = self.resolve(ty);
        let _ = scope;
        let attributes = ty.get("attributes")?.as_object()?;
        Some(attributes.iter().map(|(name, ty)| (name.as_str(), ty)).collect())
    }

    fn kind(self, ty: &'a Json) -> Kind {
        let (_, ty) = self.resolve(ty);
        let name = match ty.get("type").and_then(Json::as_str) {
            Some("EntityOrCommon" | "Extension") => ty.get("name").and_then(Json::as_str),
            other => other,
        };
        match name.unwrap_or_default().trim_start_matches("__cedar::") {
            "Bool" | "Boolean" => Kind::Bool,
            "Long" => Kind::Long,
            "String" => Kind::String,
            "datetime" => Kind::Datetime,
            "ipaddr" => Kind::Ip,
            _ => Kind::Other,
        }
    }

    /// Follows the names of common types. The schema has been parsed, so none leads to itself;
    /// even so, no chain is longer than there can be types.
    fn resolve(self, mut ty: &'a Json) -> (Self, &'a Json) {
        let mut scope = self;
        for _ in 0..256 {
            let kind = ty.get("type").and_then(Json::as_str).unwrap_or_default();
            let name = match kind {
                "EntityOrCommon" | "CommonType" => ty.get("name").and_then(Json::as_str),
                "Record" | "Set" | "Entity" | "Extension" => None,
                other => Some(other),
            };
            let Some((found, next)) = name.and_then(|name| scope.common(name)) else { break };
            (scope, ty) = (found, next);
        }
        (scope, ty)
    }

    fn common(self, name: &str) -> Option<(Self, &'a Json)> {
        let qualified = name.rsplit_once("::");
        let candidates = match qualified {
            Some((namespace, name)) => vec![(namespace, name)],
            None => vec![(self.namespace, name), ("", name)],
        };
        candidates.into_iter().find_map(|(namespace, name)| {
            let (namespace, body) = self.schema.as_object()?.get_key_value(namespace)?;
            let ty = body.get("commonTypes")?.get(name)?;
            Some((Scope { schema: self.schema, namespace }, ty))
        })
    }
}
