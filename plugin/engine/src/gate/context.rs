//! The context record of a request: only the facts that the candidate policies read.

use super::{Claim, Host, Session};
use crate::http::{path::Target, query, query::AmbiguousError};
use crate::model::{FactSource, Model};
use crate::request::Request;
use crate::route::Captures;
use crate::token::holds;
use crate::value::{Field, Span, Sym, Value};

/// What the gate itself knows of the request.
pub(super) struct Parts<'a> {
    pub method: &'a str,
    pub authority: &'a str,
    pub target: &'a Target<'a>,
    pub now: i64,
    /// The token that was presented.
    pub credential: &'a str,
    /// The networks and SPIFFE ids that the key is bound to.
    pub bound_to: &'a [Value],
}

/// Builds the context of the facts whose bits are set in `needed`.
///
/// The groups that hold facts are always there, be they empty: `context has headers` does not
/// depend on which policies are candidates.
///
/// # Errors
///
/// Where one of the facts can be read in more than one way. To leave it out would let pass what a
/// `forbid` is there to stop. A header or a parameter that holds the key is such a fact: keys are
/// taken out of requests that pass, and the upstream would see another than was decided on.
pub(super) fn build(
    model: &Model,
    needed: u128,
    parts: &Parts<'_>,
    host: &mut impl Host,
    session: &mut Session,
) -> Result<Span, AmbiguousError> {
    let Session { request, captures, fields, .. } = session;
    fields.clear();
    let mut open: Option<(Sym, Span)> = None;
    let mut bits = needed;
    for fact in model.facts() {
        let value = match bits & 1 {
            1 => fact_value(model, &fact.source, parts, host, request, captures)?,
            _ => None,
        };
        bits >>= 1;
        let field = value.map(|value| Field { name: fact.name, value });
        match fact.group {
            None => {
                close(&mut open, fields);
                fields.extend(field);
            }
            Some(group) => {
                if open.is_none_or(|(name, _)| name != group) {
                    close(&mut open, fields);
                    open = Some((group, request.push_fields(core::iter::empty())));
                }
                // Facts of a group follow each other, and nothing else is pushed in between.
                if let (Some((_, span)), Some(field)) = (&mut open, field) {
                    request.push_fields(core::iter::once(field));
                    span.len = span.len.saturating_add(1);
                }
            }
        }
    }
    close(&mut open, fields);
    Ok(request.record(fields))
}

/// Puts a finished group into the context.
fn close(open: &mut Option<(Sym, Span)>, fields: &mut alloc::vec::Vec<Field>) {
    if let Some((name, span)) = open.take() {
        fields.push(Field { name, value: Value::Record(span) });
    }
}

/// Apart, as most facts are not needed.
#[inline(never)]
fn fact_value(
    model: &Model,
    source: &FactSource,
    parts: &Parts<'_>,
    host: &mut impl Host,
    request: &mut Request,
    captures: &Captures,
) -> Result<Option<Value>, AmbiguousError> {
    let value = match source {
        FactSource::Now => Some(Value::Datetime(parts.now)),
        FactSource::SourceIp => host.source_ip().map(Value::Ip),
        FactSource::InNetworks => Some(Value::Bool(in_networks(parts.bound_to, host))),
        FactSource::Method => Some(request.string(parts.method)),
        FactSource::Path => Some(request.string(&parts.target.decoded())),
        FactSource::Host => Some(request.string(parts.authority)),
        FactSource::Param(name) => captures.get(name).map(|value| request.string(value)),
        FactSource::Query(name) => {
            let query = parts.target.query().unwrap_or_default();
            let value = query::single(query, name)?;
            value.map(|value| sent(&value, parts, request)).transpose()?
        }
        FactSource::Claim(name, kind) => host.claim(name, *kind).map(|claim| match claim {
            Claim::Bool(value) => Value::Bool(value),
            Claim::Long(value) => Value::Long(value),
            Claim::String(value) => request.string(&value),
        }),
        FactSource::Header(name) => {
            host.header(name).map(|value| sent(&value, parts, request)).transpose()?
        }
        FactSource::TlsPeer => host.tls_peer().map(|text| request.string(&text)),
        FactSource::PeerMatches => Some(Value::Bool(peer_matches(model, parts.bound_to, host))),
        FactSource::TlsSubject => host.tls_subject().map(|text| request.string(&text)),
    };
    Ok(value)
}

/// What a caller has sent in a header or a parameter, of which there may be several.
fn sent(value: &str, parts: &Parts<'_>, request: &mut Request) -> Result<Value, AmbiguousError> {
    let holds_key = |one: &str| holds(one.as_bytes(), parts.credential);
    if holds_key(value) || value.split(',').map(str::trim).any(holds_key) {
        return Err(AmbiguousError(()));
    }
    Ok(request.string(value))
}

/// Whether the source address lies in one of the key's networks, or the key names none. An address
/// that the host does not know lies in none.
fn in_networks(bound_to: &[Value], host: &mut impl Host) -> bool {
    let mut networks = bound_to
        .iter()
        .filter_map(|value| if let Value::Ip(net) = value { Some(net) } else { None })
        .peekable();
    if networks.peek().is_none() {
        return true;
    }
    let Some(source) = host.source_ip() else { return false };
    networks.any(|network| source.is_in_range(network))
}

/// Whether the peer's certificate names one of the key's SPIFFE ids, or the key names none. Only a
/// key that names some makes the host look.
fn peer_matches(model: &Model, bound_to: &[Value], host: &mut impl Host) -> bool {
    let mut ids = bound_to
        .iter()
        .filter_map(|value| if let Value::Str(id) = value { Some(model.text(*id)) } else { None })
        .peekable();
    if ids.peek().is_none() {
        return true;
    }
    let Some(peer) = host.tls_peer() else { return false };
    ids.any(|id| id == peer)
}
