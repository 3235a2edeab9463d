//! Instants as people type them.

use crate::exit::Exit;
use crate::failure::{Context, Failure};
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

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
const POINT: &str = "an instant (`2027-01-31T00:00:00Z`)";

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
            None => Err(format!("write {LENGTH} or {POINT}")),
        }
    }

    fn read(text: &str) -> Option<Self> {
        if text == "never" {
            return Some(Self::Never);
        }
        if let Ok(at) = text.parse() {
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
        Self::read(text).ok_or_else(|| format!("write {LENGTH}, {POINT}, or `never`"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Instant, length};
    use jiff::Timestamp;

    #[test]
    fn reads_lengths_instants_and_never() {
        let now: Timestamp = "2026-01-31T12:00:00Z".parse().unwrap();
        let at = |text: &str| text.parse::<Instant>().unwrap().from(now).unwrap();
        assert_eq!(at("90d"), Some("2026-05-01T12:00:00Z".parse().unwrap()));
        assert_eq!(at("2027-01-01T00:00:00Z"), Some("2027-01-01T00:00:00Z".parse().unwrap()));
        assert_eq!(at("never"), None);
        for wrong in ["", "soon", "-3d", "0d", "2027-13-01"] {
            assert!(wrong.parse::<Instant>().is_err(), "{wrong}");
            // What is not possible there is not offered.
            let told = [Instant::parse_some(wrong).unwrap_err(), length(wrong).unwrap_err()];
            assert!(!told.concat().contains("never"), "{told:?}");
        }
    }
}
