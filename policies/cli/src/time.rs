//! Instants as people type them.

use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::output::counted;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use serde::{Deserialize, Deserializer, de::Error};

/// An instant that a key or request refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instant {
    /// A point in time.
    At(Timestamp),
    /// A length of time from now; a day has 24 hours.
    In(SignedDuration),
    /// No such instant.
    Never,
}

const LENGTH: &str = "a length of time (`90d`, `12h`)";
const POINT: &str =
    "a date (`2027-01-31`: its beginning in UTC), an instant (`2027-01-31T08:00:00Z`)";

impl Instant {
    /// The point in time, seen from `now`; `None` for never.
    pub fn from(self, now: Timestamp) -> Result<Option<Timestamp>, Failure> {
        match self {
            Self::At(at) => Ok(Some(at)),
            Self::In(length) => {
                let at = now.checked_add(length);
                at.map(Some).context(Exit::Usage, "that is after the end of the calendar")
            }
            Self::Never => Ok(None),
        }
    }

    /// Reads an instant that must come.
    pub fn parse_some(text: &str) -> Result<Self, String> {
        match Self::read(text) {
            Some(Self::Never) => Err("it cannot be `never`".into()),
            Some(instant) => Ok(instant),
            None => Err(format!("write {POINT}, or {LENGTH}")),
        }
    }

    fn read(text: &str) -> Option<Self> {
        if text == "never" {
            return Some(Self::Never);
        }
        if let Some(at) = point(text) {
            return Some(Self::At(at));
        }
        let span = text.parse::<Span>().ok()?;
        let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
        length.is_positive().then_some(Self::In(length))
    }
}

/// The point in time of an instant that need not be given.
pub fn instant(instant: Option<Instant>, now: Timestamp) -> Result<Option<Timestamp>, Failure> {
    instant.map_or(Ok(None), |instant| instant.from(now))
}

/// Reads a point in time: an instant, or a date, which is its beginning in UTC.
pub fn point(text: &str) -> Option<Timestamp> {
    let day = || Date::strptime("%Y-%m-%d", text).ok()?.to_zoned_datetime(TimeZone::UTC).ok();
    text.parse().ok().or_else(|| Some(day()?.timestamp()))
}

/// What is to be written for a point in time.
pub fn no_point(text: &str) -> String {
    format!(
        "`{text}` is neither a date nor an instant: write `2027-01-31` or `2027-01-31T08:00:00Z`"
    )
}

/// Reads a point in time of a file, if it has one.
pub fn some_point<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(input)?;
    let read = |text: String| point(&text).ok_or_else(|| D::Error::custom(no_point(&text)));
    text.map(read).transpose()
}

/// A length of time in words, in the largest unit of which it has one.
pub fn spoken(length: SignedDuration) -> String {
    let seconds = length.as_secs().unsigned_abs();
    let units = [("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)];
    let whole = units.iter().find_map(|(unit, size)| {
        let count = seconds.checked_div(*size).filter(|count| *count > 0)?;
        Some(counted(usize::try_from(count).ok()?, unit))
    });
    whole.unwrap_or_else(|| "less than a second".into())
}

/// Reads a length of time; a day has 24 hours.
pub fn length(text: &str) -> Result<SignedDuration, String> {
    match Instant::read(text) {
        Some(Instant::In(length)) => Ok(length),
        _ => Err(format!("write {LENGTH}")),
    }
}

impl std::str::FromStr for Instant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::read(text).ok_or_else(|| format!("write {POINT}, {LENGTH}, or `never`"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Instant, length, spoken};
    use jiff::{SignedDuration, Timestamp};

    #[test]
    fn short_times_are_not_told_in_days() {
        let told = |seconds| spoken(SignedDuration::from_secs(seconds));
        assert_eq!([told(0), told(59)], ["less than a second", "59 seconds"]);
        assert_eq!([told(60), told(7199)], ["1 minute", "1 hour"]);
        assert_eq!([told(86_400), told(1_000_000)], ["1 day", "11 days"]);
    }

    #[test]
    fn reads_lengths_instants_and_never() {
        let now: Timestamp = "2026-01-31T12:00:00Z".parse().unwrap();
        let at = |text: &str| text.parse::<Instant>().unwrap().from(now).unwrap();
        assert_eq!(at("90d"), Some("2026-05-01T12:00:00Z".parse().unwrap()));
        assert_eq!(at("2027-01-01T00:00:00Z"), Some("2027-01-01T00:00:00Z".parse().unwrap()));
        assert_eq!(at("2027-01-01"), at("2027-01-01T00:00:00Z"));
        assert_eq!(at("never"), None);
        for wrong in ["", "soon", "-3d", "0d", "2027-13-01", "2027-01-01T08:00:00", "20270101"] {
            assert!(wrong.parse::<Instant>().is_err(), "{wrong}");
            // What is not possible there is not offered.
            let told = [Instant::parse_some(wrong).unwrap_err(), length(wrong).unwrap_err()];
            assert!(!told.concat().contains("never"), "{told:?}");
        }
    }
}
