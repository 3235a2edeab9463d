//! What is known of the use of one key, and how a report adds to it.

use std::collections::BTreeMap;

use cedarkey_bundle::usage::{Network, Part, Report, Row, What};
use cedarkey_engine::key::KeyId;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// The most names of a kind that are told from each other; the rest is counted under [`OTHERS`].
const MAX_ACTIONS: usize = 64;
const MAX_CAUSES: usize = 32;
const MAX_NETWORKS: usize = 8;

/// The name of all for which there is no room.
const OTHERS: &str = "";

/// For how many days the days are told from each other.
const MAX_DAYS: usize = 90;

/// How old a request may be that a report speaks of, in seconds: older ones are of a proxy whose
/// clock is wrong, and count as that old.
const OLDEST: i64 = 2 * 86_400;

/// The use of a key. Times are in seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    /// How many requests were allowed, and when the last one was.
    pub(crate) allowed: Count,
    /// How many were denied.
    pub(crate) denied: Count,
    /// Those that were allowed, by action.
    pub(crate) actions: BTreeMap<String, Count>,
    /// Those that were denied, by cause.
    pub(crate) causes: BTreeMap<String, Count>,
    /// Where requests came from, of those of which it is known.
    pub(crate) networks: BTreeMap<String, Count>,
    /// By day, in UTC: how many were allowed, and how many denied.
    pub(crate) days: BTreeMap<Date, (u64, u64)>,
}

/// How often, and when last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Count {
    pub(crate) count: u64,
    pub(crate) last: i64,
}

/// What a report says of each key, by the text of the key's id.
pub(crate) type Additions<'a> = BTreeMap<String, Vec<(&'a Part, &'a Row)>>;

/// The rows of a report, by key.
pub(crate) fn additions(report: &Report) -> Additions<'_> {
    let mut additions = Additions::new();
    for part in &report.parts {
        for row in &part.rows {
            additions.entry(KeyId(row.key).to_string()).or_default().push((part, row));
        }
    }
    additions
}

// === impl Counts ===

impl Counts {
    /// Adds a row of a report that came at this time.
    pub(crate) fn add(&mut self, part: &Part, row: &Row, now: i64) {
        let last = i64::try_from(row.last).unwrap_or(i64::MAX);
        let last = last.clamp(now.saturating_sub(OLDEST), now);
        let count = Count { count: u64::from(row.count), last };
        // Whatever it is, it is to be shown to people.
        let proper = |name: &&str| !name.contains(char::is_control);
        let name = |number| part.name(number).filter(proper).unwrap_or(OTHERS);
        match row.what {
            What::Allow(number) => {
                self.allowed.add(count);
                put(&mut self.actions, name(number), count, MAX_ACTIONS);
                let (allowed, _) = self.day(last);
                *allowed = allowed.saturating_add(count.count);
            }
            What::Deny(number) => {
                self.denied.add(count);
                put(&mut self.causes, name(number), count, MAX_CAUSES);
                let (_, denied) = self.day(last);
                *denied = denied.saturating_add(count.count);
            }
            What::Network(network) => {
                put(&mut self.networks, &text(network), count, MAX_NETWORKS);
            }
        }
        while self.days.len() > MAX_DAYS {
            self.days.pop_first();
        }
    }

    fn day(&mut self, at: i64) -> &mut (u64, u64) {
        let at = Timestamp::from_second(at).unwrap_or_default();
        self.days.entry(at.to_zoned_datetime(TimeZone::UTC).date()).or_default()
    }
}

// === impl Count ===

impl Count {
    fn add(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        self.last = self.last.max(other.last);
    }
}

fn put(counts: &mut BTreeMap<String, Count>, name: &str, count: Count, most: usize) {
    let has_room = counts.len() < most || counts.contains_key(name);
    counts.entry(if has_room { name.into() } else { OTHERS.into() }).or_default().add(count);
}

fn text(network: Network) -> String {
    match network {
        Network::V4([a, b, c]) => format!("{a}.{b}.{c}.0/24"),
        Network::V6([a, b, c, d, e, f]) => {
            let pair = |high, low| u16::from_be_bytes([high, low]);
            let segments = [pair(a, b), pair(c, d), pair(e, f), 0, 0, 0, 0, 0];
            format!("{}/48", std::net::Ipv6Addr::from(segments))
        }
        Network::Other => OTHERS.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn add(counts: &mut Counts, name: &str, what: fn(u16) -> What, last: i64, now: i64) {
        let part = Part { names: vec![name.into()], ..Part::default() };
        let last = last.try_into().unwrap();
        counts.add(&part, &Row { key: [1; 16], what: what(0), count: 2, last }, now);
    }

    #[test]
    fn requests_are_counted_in_all_ways() {
        let mut counts = Counts::default();
        add(&mut counts, "listOrders", What::Allow, NOW - 60, NOW);
        add(&mut counts, "listOrders", What::Allow, NOW - 120, NOW);
        add(&mut counts, "no_permit", What::Deny, NOW - 86_400, NOW);
        let (count, last) = (4, NOW - 60);
        assert_eq!(counts.allowed, Count { count, last });
        assert_eq!(counts.actions["listOrders"], Count { count, last });
        assert_eq!(counts.causes["no_permit"], Count { count: 2, last: NOW - 86_400 });
        let days: Vec<_> = counts.days.iter().map(|(day, n)| (day.to_string(), *n)).collect();
        assert_eq!(days, [("2027-01-14".into(), (0, 2)), ("2027-01-15".into(), (4, 0))]);
    }

    #[test]
    fn a_clock_that_is_wrong_says_nothing_of_the_future_or_of_long_ago() {
        let mut counts = Counts::default();
        add(&mut counts, "a", What::Allow, NOW + 1_000_000, NOW);
        assert_eq!(counts.allowed.last, NOW);
        let mut counts = Counts::default();
        add(&mut counts, "a", What::Allow, 0, NOW);
        assert_eq!(counts.allowed.last, NOW - OLDEST);
    }

    #[test]
    fn nothing_grows_for_ever() {
        let mut counts = Counts::default();
        for at in 0..500 {
            add(&mut counts, &format!("a{at}"), What::Allow, NOW + at * 86_400, NOW + at * 86_400);
            add(&mut counts, &format!("c{at}"), What::Deny, NOW, NOW);
            let bytes = at.to_be_bytes();
            let network = Network::V4([10, bytes[6], bytes[7]]);
            let row = Row { key: [1; 16], what: What::Network(network), count: 1, last: 0 };
            counts.add(&Part::default(), &row, NOW);
        }
        let sizes = (counts.actions.len(), counts.causes.len(), counts.networks.len());
        assert_eq!(sizes, (MAX_ACTIONS + 1, MAX_CAUSES + 1, MAX_NETWORKS + 1));
        assert_eq!((counts.days.len(), counts.allowed.count), (MAX_DAYS, 1_000));
        assert_eq!(counts.actions[OTHERS].count, 2 * (500 - 64));
        assert_eq!(counts.networks[OTHERS].count, 500 - 8);
        assert!(serde_json::to_string(&counts).unwrap().len() < 16 * 1024);
    }

    #[test]
    fn networks_are_written_as_networks() {
        assert_eq!(text(Network::V4([192, 0, 2])), "192.0.2.0/24");
        assert_eq!(text(Network::V6([0x20, 1, 0xd, 0xb8, 0, 7])), "2001:db8:7::/48");
    }
}
