//! What can be said of a key at an instant.

use crate::key::{Key, State};
use jiff::Timestamp;
use serde::Serialize;
use std::fmt;

/// What can be said of a key at an instant: what was decided about it, and what its times say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It is valid.
    Active,
    /// The request for it was denied.
    Denied,
    /// Its time is over.
    Expired,
    /// It was requested, and nobody has approved or denied it yet.
    Pending,
    /// It is not used any more, as the workload is not.
    Retired,
    /// It was revoked for good.
    Revoked,
    /// It is valid until the overlap with its successor ends.
    Rotating,
    /// It is not valid until somebody resumes it.
    Suspended,
    /// Its time is yet to come.
    Upcoming,
}

// === impl Status ===

impl Status {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Active,
        Self::Denied,
        Self::Expired,
        Self::Pending,
        Self::Retired,
        Self::Revoked,
        Self::Rotating,
        Self::Suspended,
        Self::Upcoming,
    ];

    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Pending => "pending",
            Self::Retired => "retired",
            Self::Revoked => "revoked",
            Self::Rotating => "rotating",
            Self::Suspended => "suspended",
            Self::Upcoming => "upcoming",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

// === impl Key ===

impl Key {
    /// What can be said of it at an instant.
    pub fn status(&self, now: Timestamp) -> Status {
        match self.state {
            State::Denied => Status::Denied,
            State::Pending => Status::Pending,
            State::Retired => Status::Retired,
            State::Revoked => Status::Revoked,
            State::Suspended => Status::Suspended,
            State::Active if self.expires.is_some_and(|expires| now >= expires) => Status::Expired,
            State::Active if now < self.not_before => Status::Upcoming,
            State::Active if self.replaced_by.is_some() => Status::Rotating,
            State::Active => Status::Active,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::tests::{key, now};
    use jiff::ToSpan;

    #[test]
    fn what_was_decided_comes_before_what_the_clock_says() {
        let sound = key();
        assert_eq!(sound.status(now()), Status::Active);
        assert_eq!(sound.status(now() - 1.second()), Status::Upcoming);
        assert_eq!(sound.status(sound.expires.unwrap()), Status::Expired);
        let rotating = Key { replaced_by: Some("01".into()), ..key() };
        assert_eq!(rotating.status(now()), Status::Rotating);
        assert_eq!(rotating.status(rotating.expires.unwrap()), Status::Expired);
        let revoked = Key { state: State::Revoked, ..rotating };
        assert_eq!(revoked.status(revoked.expires.unwrap()), Status::Revoked);
    }
}
