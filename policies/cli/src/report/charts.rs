//! What can be drawn of the keys: numbers with names.

use super::finding::{Finding, Level};
use super::is_live;
use super::rules::Rules;
use cedarkey_registry::{Entry, Key};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::Serialize;
use std::collections::BTreeMap;

/// What can be drawn.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Charts {
    /// Keys by the age of their secret.
    pub ages: Vec<Bar>,
    /// Keys by the month in which they end.
    pub expiries: Vec<Bar>,
    /// Who answers for most keys.
    pub owners: Vec<Bar>,
    /// Findings at the end of each month, as far as they need no usage; today at last. Empty where
    /// the audit says nothing.
    pub findings: Vec<Month>,
}

/// A number with a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bar {
    /// The name.
    pub label: String,
    /// The number.
    pub count: usize,
}

/// Findings of a month.
#[derive(Clone, Debug, Serialize)]
pub struct Month {
    /// As `2027-01`, or `today`.
    pub label: String,
    /// How many there were of each level.
    pub counts: BTreeMap<Level, usize>,
}

/// Ages in days up to which there is a bar, and the bar's name.
const AGES: [(i64, &str); 6] = [
    (7, "up to a week"),
    (30, "up to 30 days"),
    (90, "up to 90 days"),
    (180, "up to 180 days"),
    (365, "up to a year"),
    (i64::MAX, "older"),
];

/// How many months are told from each other.
const MONTHS: i32 = 12;

/// How many owners are told from each other.
const OWNERS: usize = 10;

// === impl Charts ===

impl Charts {
    /// Of the keys that have not ended.
    pub fn new(
        live: &[&Key],
        findings: &[Finding],
        audit: &[Entry],
        rules: &Rules<'_>,
        now: Timestamp,
    ) -> Self {
        Self {
            ages: ages(live, now),
            expiries: expiries(live, now),
            owners: owners(live),
            findings: history(findings, audit, rules, now),
        }
    }
}

fn bar(label: impl Into<String>, count: usize) -> Bar {
    Bar { label: label.into(), count }
}

fn ages(live: &[&Key], now: Timestamp) -> Vec<Bar> {
    let days =
        |key: &&Key| now.duration_since(key.created).as_hours().checked_div(24).unwrap_or_default();
    let mut above = i64::MIN;
    let bars = AGES.map(|(most, label)| {
        let count = live.iter().filter(|key| (above..=most).contains(&days(key))).count();
        above = most.saturating_add(1);
        bar(label, count)
    });
    bars.into()
}

fn expiries(live: &[&Key], now: Timestamp) -> Vec<Bar> {
    let first = first_of_month(now);
    let month = |key: &&Key| key.expires.map(first_of_month);
    let months = months(first, 0..MONTHS);
    let mut bars: Vec<Bar> = months
        .iter()
        .map(|at| bar(label(*at), live.iter().filter(|key| month(key) == Some(*at)).count()))
        .collect();
    let last = months.last().copied().unwrap_or(first);
    let later = live.iter().filter(|key| month(key).is_some_and(|at| at > last)).count();
    bars.push(bar("later", later));
    bars.push(bar("never", live.iter().filter(|key| key.expires.is_none()).count()));
    bars
}

fn owners(live: &[&Key]) -> Vec<Bar> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for key in live {
        let count: &mut usize = counts.entry(&key.owner).or_default();
        *count = count.saturating_add(1);
    }
    let mut bars: Vec<Bar> = counts.into_iter().map(|(owner, count)| bar(owner, count)).collect();
    // Stable, so owners with as many keys stay in the order of their names.
    bars.sort_by_key(|bar| std::cmp::Reverse(bar.count));
    let others: usize = bars.iter().skip(OWNERS).map(|bar| bar.count).sum();
    bars.truncate(OWNERS);
    if others > 0 {
        bars.push(bar("others", others));
    }
    bars
}

/// What was wrong at the end of each month, with the keys as the audit says that they were then.
fn history(findings: &[Finding], audit: &[Entry], rules: &Rules<'_>, now: Timestamp) -> Vec<Month> {
    let mut keys: BTreeMap<&str, Key> = BTreeMap::new();
    let mut entries = audit.iter().peekable();
    let mut history = Vec::new();
    if entries.peek().is_none() {
        return history;
    }
    for month in months(first_of_month(now), 1_i32.saturating_sub(MONTHS)..1) {
        let Ok(end) = month.to_zoned_datetime(TimeZone::UTC).map(|at| at.timestamp()) else {
            continue;
        };
        while let Some(entry) = entries.next_if(|entry| entry.at < end) {
            let became = entry.became.as_deref().and_then(|key| serde_json::from_str(key).ok());
            if let (Some(id), Some(key)) = (&entry.key, became) {
                keys.insert(id, key);
            }
        }
        let live = keys.values().filter(|key| is_live(key.status(end)));
        let found = live.flat_map(|key| rules.check(key, None, end)).map(|finding| finding.level);
        let label = label(month.yesterday().unwrap_or(month));
        history.push(Month { label, counts: Level::count(found) });
    }
    // Before the first key there is nothing to draw.
    let begun = history.iter().position(|month| month.counts.values().any(|count| *count > 0));
    history.drain(..begun.unwrap_or(history.len()));
    let today = findings.iter().filter(|finding| !finding.rule.needs_usage());
    let counts = Level::count(today.map(|finding| finding.level));
    history.push(Month { label: "today".into(), counts });
    history
}

fn first_of_month(at: Timestamp) -> Date {
    at.to_zoned_datetime(TimeZone::UTC).date().first_of_month()
}

/// The first days of months, counted from one.
fn months(from: Date, range: std::ops::Range<i32>) -> Vec<Date> {
    range.filter_map(|at| from.checked_add(Span::new().months(at)).ok()).collect()
}

fn label(month: Date) -> String {
    month.strftime("%Y-%m").to_string()
}

#[cfg(test)]
mod tests {
    use super::super::again::Again;
    use super::super::rules::Limits;
    use super::*;
    use crate::usage::Source;
    use cedarkey_compiler::Project;
    use jiff::SignedDuration;
    use serde_json::{Value, json};
    use std::path::Path;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn key(id: &str, owner: &str, created: &str, expires: Option<&str>) -> Value {
        json!({
            "id": id, "name": null, "hash": "0".repeat(64), "prefix": "ck",
            "environment": "development", "owner": owner, "purpose": "tests", "team": null,
            "workload": null, "scopes": [], "networks": [], "spiffeIds": [], "labels": {},
            "created": created, "notBefore": created, "expires": expires, "reviewBy": null,
            "state": "active", "since": created, "reason": null, "requestedBy": null,
            "approver": null, "replaces": null, "replacedBy": null,
        })
    }

    fn entry(number: i64, when: &str, key: &Value) -> Entry {
        Entry {
            number,
            at: at(when),
            actor: "alice".into(),
            action: "issue".into(),
            key: key["id"].as_str().map(String::from),
            reason: String::new(),
            was: None,
            became: Some(key.to_string()),
            previous: String::new(),
            hash: String::new(),
        }
    }

    fn counts(bars: &[Bar]) -> Vec<(&str, usize)> {
        let bars = bars.iter().filter(|bar| bar.count > 0);
        bars.map(|bar| (bar.label.as_str(), bar.count)).collect()
    }

    #[test]
    fn every_key_is_in_one_bar() {
        let now = at("2027-01-31T12:00:00Z");
        let keys = [
            key("A", "alice@example.com", "2027-01-24T12:00:00Z", Some("2027-01-31T13:00:00Z")),
            key("B", "team:payments", "2027-01-23T11:00:00Z", Some("2027-12-31T00:00:00Z")),
            key("C", "team:payments", "2025-01-01T00:00:00Z", Some("2028-01-01T00:00:00Z")),
            key("D", "team:payments", "2027-01-31T12:00:00Z", None),
        ];
        let keys = keys.map(|key| serde_json::from_value::<Key>(key).unwrap());
        let live: Vec<_> = keys.iter().collect();
        let expected = [("up to a week", 2), ("up to 30 days", 1), ("older", 1)];
        assert_eq!(counts(&ages(&live, now)), expected);
        let expected = [("2027-01", 1), ("2027-12", 1), ("later", 1), ("never", 1)];
        assert_eq!(counts(&expiries(&live, now)), expected);
        assert_eq!(counts(&owners(&live)), [("team:payments", 3), ("alice@example.com", 1)]);
    }

    #[test]
    fn what_was_wrong_earlier_is_read_from_the_audit() {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/quickstart");
        let project = Project::load(&example).unwrap();
        let days = |days: i64| SignedDuration::from_hours(days * 24);
        let limits = Limits {
            unused: days(90),
            max_age: days(180),
            expires_within: days(14),
            networks: 3,
            watched: days(14),
            tried: days(14),
        };
        let again = Again::new(None, &project, &Source::default());
        let rules = Rules::new(&project, None, &again, limits);
        let (sound, end) = ("team:payments", Some("2027-01-08T00:00:00Z"));
        let made = key("A", "nobody@example.com", "2026-10-10T00:00:00Z", end);
        let given = key("A", sound, "2026-10-10T00:00:00Z", end);
        let audit =
            [entry(1, "2026-10-10T00:00:00Z", &made), entry(2, "2026-11-10T00:00:00Z", &given)];
        let history = history(&[], &audit, &rules, at("2027-01-31T00:00:00Z"));
        let told: Vec<_> = history
            .iter()
            .map(|month| (month.label.as_str(), month.counts.values().copied().collect::<Vec<_>>()))
            .collect();
        // By the end of the year it is about to end, and has ended by the end of January.
        let expected = [
            ("2026-10", vec![1, 0, 0]),
            ("2026-11", vec![0, 0, 0]),
            ("2026-12", vec![0, 0, 1]),
            ("today", vec![0, 0, 0]),
        ];
        assert_eq!(told, expected);
    }
}
