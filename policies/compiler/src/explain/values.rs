//! What a part of a condition has read.

use crate::keys::NEVER;
use cedarkey_engine::decide::{Query, attribute};
use cedarkey_engine::ext::ip::IpNet;
use cedarkey_engine::request::Pools;
use cedarkey_engine::value::{Uid, Value};
use jiff::Timestamp;
use serde_json::Value as Json;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The values of a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values<'a> {
    pub pools: Pools<'a>,
    pub query: Query,
}

/// How many elements of a set are shown.
const ELEMENTS: usize = 20;

// === impl Values ===

impl Values<'_> {
    /// The attributes that an expression in Cedar's JSON form reads, with their values, both as
    /// Cedar writes them. Records are left out: their attributes say more. Of an expression that is
    /// nothing but an attribute, how it came out says all.
    pub fn read_by(self, expression: &Json) -> Vec<(String, String)> {
        let mut read = Vec::new();
        if attribute_of(expression).is_none() {
            self.collect(expression, &mut read);
        }
        read
    }

    fn collect(self, expression: &Json, read: &mut Vec<(String, String)>) {
        if let Some((name, value)) = attribute_of(expression).and_then(|_| self.value(expression)) {
            let shown = self.shown(&value).map(|value| (name, value));
            read.extend(shown.filter(|shown| !read.contains(shown)));
            return;
        }
        match expression {
            Json::Array(parts) => parts.iter().for_each(|part| self.collect(part, read)),
            Json::Object(parts) => parts.values().for_each(|part| self.collect(part, read)),
            _ => {}
        }
    }

    /// A variable, or an attribute of one, with its value.
    fn value(self, expression: &Json) -> Option<(String, Value)> {
        if let Some((holder, name)) = attribute_of(expression) {
            let (text, holder) = self.value(holder)?;
            let sym = self.pools.model.sym(name)?;
            return Some((format!("{text}.{name}"), *attribute(self.pools, &holder, sym).ok()?));
        }
        let variable = expression.get("Var")?.as_str()?;
        let value = match variable {
            "principal" => Value::Entity(self.query.principal),
            "action" => Value::Entity(self.query.action),
            "resource" => Value::Entity(self.query.resource),
            "context" => Value::Record(self.query.context),
            _ => return None,
        };
        Some((variable.into(), value))
    }

    /// A value as Cedar writes it, unless it is a record, or an instant out of the calendar.
    fn shown(self, value: &Value) -> Option<String> {
        Some(match value {
            Value::Bool(value) => value.to_string(),
            Value::Datetime(at) => instant(*at)?,
            Value::Decimal(units) => format!("decimal(\"{}\")", decimal(*units)),
            Value::Duration(length) => format!("duration(\"{length}ms\")"),
            Value::Entity(uid) => self.entity(*uid)?,
            Value::Ip(net) => format!("ip(\"{}\")", network(net)),
            Value::Long(value) => value.to_string(),
            Value::Record(_) => return None,
            Value::Set(span) => {
                let elements = self.pools.values(*span);
                let more = elements.len().saturating_sub(ELEMENTS);
                let shown = elements.iter().take(ELEMENTS);
                let mut shown: Vec<_> = shown.filter_map(|element| self.shown(element)).collect();
                shown.extend((more > 0).then(|| format!("and {more} more")));
                format!("[{}]", shown.join(", "))
            }
            Value::Str(text) => format!("{:?}", self.pools.text(*text)),
        })
    }

    fn entity(self, uid: Uid) -> Option<String> {
        let image = self.pools.uid(uid)?;
        Some(format!("{}::{:?}", self.pools.name(image.kind), self.pools.text(image.id)))
    }
}

/// Whose attribute an expression is, and of which name, if it is one.
fn attribute_of(expression: &Json) -> Option<(&Json, &str)> {
    let parts = expression.get(".")?;
    Some((parts.get("left")?, parts.get("attr")?.as_str()?))
}

fn instant(at: i64) -> Option<String> {
    let at = match at {
        // A day later than the calendar goes.
        NEVER => "9999-12-31T23:59:59Z".into(),
        at => Timestamp::from_millisecond(at).ok()?.to_string(),
    };
    Some(format!("datetime(\"{at}\")"))
}

fn decimal(units: i64) -> String {
    let sign = if units < 0 { "-" } else { "" };
    let units = units.unsigned_abs();
    format!("{sign}{}.{:04}", units / 10_000, units % 10_000)
}

fn network(net: &IpNet) -> String {
    let [a, b, c, d, ..] = net.bits;
    let (address, whole) = match net.v6 {
        true => (IpAddr::V6(Ipv6Addr::from(net.bits)), 128),
        false => (IpAddr::V4(Ipv4Addr::new(a, b, c, d)), 32),
    };
    if net.prefix == whole { address.to_string() } else { format!("{address}/{}", net.prefix) }
}

#[cfg(test)]
mod tests {
    use super::network;
    use cedarkey_engine::ext::{decimal, ip};

    #[test]
    fn numbers_and_networks_are_written_as_they_are_read() {
        for text in ["0.0000", "-0.5000", "12.0001", "-922337203685477.5808"] {
            assert_eq!(super::decimal(decimal::parse(text).unwrap()), text);
        }
        for text in ["10.0.0.0/8", "127.0.0.1", "2001:db8::/32", "::1"] {
            assert_eq!(network(&ip::parse(text).unwrap()), text);
        }
    }
}
