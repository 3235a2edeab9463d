//! The context record of a request: only the facts that the candidate policies read.

use super::{Claim, Host, Session};
use crate::http::{path::Target, query};
use crate::model::{FactSource, Model};
use crate::request::Request;
use crate::route::Captures;
use crate::value::{Field, Span, Sym, Value};

/// What the gate itself knows of the request.
pub(super) struct Parts<'a> {
    pub method: &'a str,
    pub authority: &'a str,
    pub target: &'a Target<'a>,
    pub now: i64,
    /// The networks that the key is bound to.
    pub networks: &'a [Value],
}

/// Builds the context of the facts whose bits are set in `needed`.
///
/// The groups that hold facts are always there, be they empty: `context has headers` does not
/// depend on which policies are candidates.
pub(super) fn build(
    model: &Model,
    needed: u128,
    parts: &Parts<'_>,
    host: &mut impl Host,
    session: &mut Session,
) -> Span {
    let Session { request, captures, fields, .. } = session;
    fields.clear();
    let mut open: Option<(Sym, Span)> = None;
    for (at, fact) in (0u32..).zip(model.facts()) {
        let wanted = needed.checked_shr(at).is_some_and(|bits| bits & 1 == 1);
        let value =
            if wanted { fact_value(&fact.source, parts, host, request, captures) } else { None };
        let field = value.map(|value| Field { name: fact.name, value });
        match fact.group {
            None => {
                close(&mut open, fields);
                fields.extend(field);
            }
            Some(group) => {
                if open.is_some_and(|(name, _)| name != group) {
                    close(&mut open, fields);
                }
                // Facts of a group follow each other, and nothing else is pushed in between.
                let run = request.push_fields(field.into_iter());
                let span = open.map_or(run, |(_, span)| Span {
                    len: span.len.saturating_add(run.len),
                    ..span
                });
                open = Some((group, span));
            }
        }
    }
    close(&mut open, fields);
    request.record(fields)
}

/// Puts a finished group into the context.
fn close(open: &mut Option<(Sym, Span)>, fields: &mut alloc::vec::Vec<Field>) {
    if let Some((name, span)) = open.take() {
        fields.push(Field { name, value: Value::Record(span) });
    }
}

fn fact_value(
    source: &FactSource,
    parts: &Parts<'_>,
    host: &mut impl Host,
    request: &mut Request,
    captures: &Captures,
) -> Option<Value> {
    let text = match source {
        FactSource::Now => return Some(Value::Datetime(parts.now)),
        FactSource::SourceIp => return host.source_ip().map(Value::Ip),
        FactSource::InNetworks => return Some(Value::Bool(in_networks(parts.networks, host))),
        FactSource::Method => return Some(request.string(parts.method)),
        FactSource::Path => return Some(request.string(parts.target.path())),
        FactSource::Host => return Some(request.string(parts.authority)),
        FactSource::Param(name) => return captures.get(name).map(|value| request.string(value)),
        FactSource::Query(name) => {
            let value = query::single(parts.target.query()?, name)?;
            return Some(request.string(&value));
        }
        FactSource::Claim(name, kind) => {
            return host.claim(name, *kind).map(|claim| match claim {
                Claim::Bool(value) => Value::Bool(value),
                Claim::Long(value) => Value::Long(value),
                Claim::String(value) => request.string(&value),
            });
        }
        FactSource::Header(name) => host.header(name),
        FactSource::TlsPeer => host.tls_peer(),
        FactSource::TlsSubject => host.tls_subject(),
    };
    text.map(|text| request.string(&text))
}

/// Whether the source address lies in one of the key's networks, or the key names none. An address
/// that the host does not know lies in none.
fn in_networks(networks: &[Value], host: &mut impl Host) -> bool {
    if networks.is_empty() {
        return true;
    }
    let Some(source) = host.source_ip() else { return false };
    networks.iter().any(|network| matches!(network, Value::Ip(net) if source.is_in_range(net)))
}
