//! The values that a policy makes a difference between: its constants, and what lies beside them.

use cedarkey_engine::ext::{datetime, duration, ip};
use jiff::Timestamp;
use serde_json::{Value as Json, json};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Values to ask about, by type, in Cedar's JSON format.
#[derive(Clone, Debug, Default)]
pub(super) struct Values {
    pub strings: Vec<String>,
    pub longs: Vec<i64>,
    pub instants: Vec<Json>,
    pub addresses: Vec<Json>,
    /// As texts.
    pub networks: Vec<String>,
}

/// 2026-01-01T00:00:00Z, in milliseconds.
const MIDNIGHT: i64 = 1_767_225_600_000;

/// The first and the last instant that has a text, in milliseconds.
const INSTANTS: std::ops::RangeInclusive<i64> = -62_167_219_200_000..=253_402_300_799_999;

// === impl Values ===

impl Values {
    /// The values of a policy, from its JSON form.
    pub fn of(policy: &Json) -> Self {
        let mut values = Self {
            strings: vec![String::new(), "x".into()],
            longs: vec![i64::MIN, -1, 0, 1, i64::MAX],
            networks: vec!["10.0.0.0/8".into(), "2001:db8::/32".into()],
            ..Self::default()
        };
        values.instant(MIDNIGHT);
        for address in [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)] {
            values.addresses.push(address_json(address));
        }
        // An expression may nest as deep as it likes: no recursion.
        let mut open = vec![policy];
        while let Some(json) = open.pop() {
            match json {
                Json::Array(elements) => open.extend(elements),
                Json::Object(members) => {
                    for (name, member) in members {
                        values.member(name, member);
                        open.push(member);
                    }
                }
                _ => {}
            }
        }
        values.networks.sort_unstable();
        values.networks.dedup();
        values
    }

    fn member(&mut self, name: &str, json: &Json) {
        match (name, json) {
            ("Value", Json::String(text)) => {
                self.strings.extend([text.clone(), format!("{text}x")]);
            }
            ("Value", Json::Number(number)) => {
                let Some(number) = number.as_i64() else { return };
                self.longs.extend([number.saturating_sub(1), number, number.saturating_add(1)]);
            }
            ("pattern", Json::Array(elements)) => {
                for between in ["", "x"] {
                    let literal = |element: &Json| {
                        let text = element.get("Literal").and_then(Json::as_str);
                        text.unwrap_or(between).to_owned()
                    };
                    self.strings.push(elements.iter().map(literal).collect());
                }
            }
            (function, Json::Array(arguments)) => {
                let text = arguments.first().and_then(|argument| argument.get("Value"));
                if let Some(text) = text.and_then(Json::as_str) {
                    self.extension(function, text);
                }
            }
            _ => {}
        }
    }

    fn extension(&mut self, function: &str, text: &str) {
        match function {
            "datetime" => {
                if let Ok(at) = datetime::parse(text) {
                    self.instant(at);
                }
            }
            "duration" => {
                if let Ok(length) = duration::parse(text) {
                    self.instant(MIDNIGHT.saturating_add(length));
                    self.instant(MIDNIGHT.saturating_sub(length));
                }
            }
            "ip" => {
                if let Ok(net) = ip::parse(text) {
                    self.networks.push(text.into());
                    self.edges(&net);
                }
            }
            _ => {}
        }
    }

    /// An instant, and those beside it.
    fn instant(&mut self, at: i64) {
        let beside = [at.saturating_sub(1), at, at.saturating_add(1)];
        let texts = beside.into_iter().filter(|at| INSTANTS.contains(at)).filter_map(instant_text);
        let values = texts.map(|text| json!({ "__extn": { "fn": "datetime", "arg": text } }));
        self.instants.extend(values);
    }

    /// The first and the last address of a network, and those before and after.
    fn edges(&mut self, net: &ip::IpNet) {
        let free = u128::MAX.checked_shr(net.prefix.into()).unwrap_or(0);
        let bits = u128::from_be_bytes(net.bits);
        // IPv4 stands in the highest 32 of the 128 bits.
        let step = if net.v6 { 1 } else { 1 << 96 };
        let (first, last) = (bits & !free, bits | free);
        for bits in [first, last, first.wrapping_sub(step), last.wrapping_add(step)] {
            self.addresses.push(address_json(match net.v6 {
                true => Ipv6Addr::from(bits).into(),
                false => Ipv4Addr::from((bits >> 96) as u32).into(),
            }));
        }
    }
}

fn instant_text(at: i64) -> Option<String> {
    let at = Timestamp::from_millisecond(at).ok()?;
    Some(at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string())
}

fn address_json(address: IpAddr) -> Json {
    json!({ "__extn": { "fn": "ip", "arg": address.to_string() } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_bring_what_lies_beside_them() {
        let policy = r#"permit(principal, action, resource) when {
            context.n < 7 && context.s like "a*b" && context.s != "key" &&
            context.ip.isInRange(ip("10.1.0.0/16")) && context.now >= datetime("2000-01-01")
        };"#;
        let policy = cedar_policy::Policy::parse(None, policy).unwrap();
        let values = Values::of(&policy.to_json().unwrap());
        for long in [6, 7, 8] {
            assert!(values.longs.contains(&long), "{values:?}");
        }
        for string in ["ab", "axb", "key", "keyx"] {
            assert!(values.strings.iter().any(|known| known == string), "{values:?}");
        }
        for address in ["10.1.0.0", "10.1.255.255", "10.0.255.255", "10.2.0.0"] {
            assert!(values.addresses.contains(&address_json(address.parse().unwrap())));
        }
        for text in ["1999-12-31T23:59:59.999Z", "2000-01-01T00:00:00.000Z"] {
            let instant = json!({ "__extn": { "fn": "datetime", "arg": text } });
            assert!(values.instants.contains(&instant), "{values:?}");
        }
    }

    #[test]
    fn the_whole_range_of_addresses_has_no_edge_to_fall_off() {
        let mut values = Values::default();
        for text in ["0.0.0.0/0", "255.255.255.255", "::/0", "ffff::/128"] {
            values.edges(&ip::parse(text).unwrap());
        }
        assert_eq!(values.addresses.len(), 16);
    }
}
