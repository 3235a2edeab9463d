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
        match text.parse()? {
            Self::Never => Err("it cannot be `never`".into()),
            instant => Ok(instant),
        }
    }
}

/// The point in time of an instant that need not be given.
pub fn instant(instant: Option<Instant>, now: Timestamp) -> Result<Option<Timestamp>, Failure> {
    instant.map_or(Ok(None), |instant| instant.from(now))
}

/// Reads a length of time; a day has 24 hours.
pub fn length(text: &str) -> Result<SignedDuration, String> {
    match text.parse()? {
        Instant::In(length) => Ok(length),
        _ => Err("write a length of time: `90d` or `12h`".into()),
    }
}

impl std::str::FromStr for Instant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "never" {
            return Ok(Self::Never);
        }
        if let Ok(at) = text.parse() {
            return Ok(Self::At(at));
        }
        let length = text.parse::<Span>().ok();
        let length =
            length.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
        match length {
            Some(length) if length.is_positive() => Ok(Self::In(length)),
            _ => Err(String::from(
                "write a length of time (`90d`, `12h`), an instant (`2027-01-31T00:00:00Z`), or `never`",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Instant;
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
        }
    }
}
