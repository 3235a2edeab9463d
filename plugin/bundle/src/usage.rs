//! Reports of usage: which keys were used for what, from a filter to the publisher.
//!
//! A report is a label, a [`Head`] and any number of [`Part`]s, one after the other: the filter's
//! VMs write parts without reading each other's, and whoever sends them puts a head before them.
//!
//! It is advice: whoever can reach the publisher can send one. So it is bounded, and decoded with
//! every index checked, but it is not signed.

use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// The media type of a report.
pub const MEDIA_TYPE: &str = "application/vnd.cedarkey.usage";

/// The longest report, in bytes.
pub const MAX_BYTES: usize = 512 * 1024;

/// The longest name of an action or a cause, in bytes. Others count for the name that is empty.
pub const MAX_NAME: usize = 128;

/// The most names of a part.
pub const MAX_NAMES: usize = 1024;

/// What a report begins with.
const LABEL: [u8; 8] = *b"ckusage1";

/// Whose report it is. A publisher takes each number of a reporter once, so that one which is sent
/// again for want of an answer counts once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Who sends it: at random, other than all others as far as chance goes.
    pub reporter: u64,
    /// Higher than all that this reporter has sent before.
    pub sequence: u64,
}

/// What one VM has counted in a time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// What rows speak of by number.
    pub names: Vec<String>,
    /// What was counted.
    pub rows: Vec<Row>,
    /// How many requests there was no room for.
    pub dropped: u64,
}

/// How often one key has met with one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The key's id.
    pub key: [u8; 16],
    /// What it met with.
    pub what: What,
    /// How often.
    pub count: u32,
    /// When it was last, in seconds since 1970-01-01T00:00:00Z.
    pub last: u64,
}

/// What a key can meet with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// A request for the action of this name was allowed.
    Allow(u16),
    /// A request was denied, for the cause of this name.
    Deny(u16),
    /// A request came from this network.
    Network(Network),
}

/// Where a request came from, no more exactly than that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Network {
    /// The first 24 bits of an IPv4 address.
    V4([u8; 3]),
    /// The first 48 bits of an IPv6 address.
    V6([u8; 6]),
    /// Somewhere else: there is no room for more.
    Other,
}

/// A report that was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whose it is.
    pub head: Head,
    /// What was counted.
    pub parts: Vec<Part>,
}

/// Why bytes are no report. Whoever sent them is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsageError {
    /// It does not begin as one.
    #[error("it does not begin with the label of a usage report of format 1")]
    Label,
    /// It is longer than any may be.
    #[error("it is longer than {MAX_BYTES} bytes")]
    Length,
    /// A name is too long, or there are too many of them.
    #[error("part {0} has too many names, or one that is too long")]
    Name(usize),
    /// It breaks off, or has bytes that mean nothing.
    #[error("part {0} breaks off, or has bytes that mean nothing")]
    Part(usize),
    /// A row counts nothing, or speaks of a name that is not there.
    #[error("part {0} has a row that counts nothing or names nothing")]
    Row(usize),
}

// === impl Head ===

impl Head {
    /// The bytes of a report up to its parts.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = LABEL.to_vec();
        // Writing numbers into memory does not fail.
        bytes.extend(postcard::to_allocvec(self).unwrap_or_default());
        bytes
    }
}

// === impl Part ===

impl Part {
    /// The bytes of a part.
    pub fn encode(&self) -> Vec<u8> {
        // Writing into memory does not fail.
        postcard::to_allocvec(self).unwrap_or_default()
    }

    /// A name by its number.
    pub fn name(&self, number: u16) -> Option<&str> {
        self.names.get(usize::from(number)).map(String::as_str)
    }

    fn check(&self, number: usize) -> Result<(), UsageError> {
        let proper = |name: &String| name.len() <= MAX_NAME;
        if self.names.len() > MAX_NAMES || !self.names.iter().all(proper) {
            return Err(UsageError::Name(number));
        }
        let proper = |row: &Row| {
            let named = match row.what {
                What::Allow(name) | What::Deny(name) => self.name(name).is_some(),
                What::Network(_) => true,
            };
            named && row.count > 0
        };
        if self.rows.iter().all(proper) { Ok(()) } else { Err(UsageError::Row(number)) }
    }
}

// === impl Report ===

impl Report {
    /// Reads a report.
    ///
    /// # Errors
    ///
    /// It is none.
    pub fn decode(bytes: &[u8]) -> Result<Self, UsageError> {
        if bytes.len() > MAX_BYTES {
            return Err(UsageError::Length);
        }
        let rest = bytes.strip_prefix(&LABEL).ok_or(UsageError::Label)?;
        let (head, mut rest) =
            postcard::take_from_bytes::<Head>(rest).map_err(|_| UsageError::Label)?;
        let mut parts = Vec::new();
        while !rest.is_empty() {
            let number = parts.len();
            let (part, after) =
                postcard::take_from_bytes::<Part>(rest).map_err(|_| UsageError::Part(number))?;
            part.check(number)?;
            parts.push(part);
            rest = after;
        }
        Ok(Self { head, parts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;
    use std::vec;

    fn part() -> Part {
        let row = |what| Row { key: [7; 16], what, count: 3, last: 1_800_000_000 };
        Part {
            names: vec!["listOrders".into(), "no_permit".into()],
            rows: vec![
                row(What::Allow(0)),
                row(What::Deny(1)),
                row(What::Network(Network::V4([10, 0, 1]))),
            ],
            dropped: 2,
        }
    }

    fn report(parts: &[Part]) -> Vec<u8> {
        let mut bytes = Head { reporter: u64::MAX, sequence: 1 }.encode();
        parts.iter().for_each(|part| bytes.extend(part.encode()));
        bytes
    }

    #[test]
    fn a_report_is_read_as_it_was_written() {
        let parts = vec![part(), Part::default(), part()];
        let head = Head { reporter: u64::MAX, sequence: 1 };
        assert_eq!(Report::decode(&report(&parts)), Ok(Report { head, parts }));
    }

    #[test]
    fn what_is_no_report_is_refused() {
        let good = report(&[part()]);
        assert_eq!(Report::decode(b"ckusage"), Err(UsageError::Label));
        assert_eq!(Report::decode(&[]), Err(UsageError::Label));
        assert_eq!(Report::decode(&vec![0; MAX_BYTES + 1]), Err(UsageError::Length));
        for length in 8..good.len() {
            let cut = Report::decode(&good[..length]);
            // Without any part it is a report of nothing.
            let whole = cut.as_ref().is_ok_and(|report| report.parts.is_empty());
            assert!(cut.is_err() || whole, "{length}: {cut:?}");
        }
        let with = |change: fn(&mut Part)| {
            let mut part = part();
            change(&mut part);
            Report::decode(&report(&[Part::default(), part])).map(drop)
        };
        assert_eq!(with(|part| part.rows[0].what = What::Allow(2)), Err(UsageError::Row(1)));
        assert_eq!(with(|part| part.rows[0].count = 0), Err(UsageError::Row(1)));
        assert_eq!(with(|part| part.names[0] = "x".repeat(129)), Err(UsageError::Name(1)));
        let many = |part: &mut Part| part.names = vec!["".to_string(); MAX_NAMES + 1];
        assert_eq!(with(many), Err(UsageError::Name(1)));
        assert_eq!(with(|_| ()), Ok(()));
    }

    #[test]
    fn a_length_that_is_not_there_takes_no_memory() {
        // Names: as many as there can be numbers of.
        let mut bytes = Head { reporter: 1, sequence: 1 }.encode();
        bytes.extend([0xff, 0xff, 0xff, 0xff, 0x0f]);
        assert_eq!(Report::decode(&bytes), Err(UsageError::Part(0)));
    }

    proptest::proptest! {
        /// Whatever follows a good head is read or refused; so is a good report with a fault in it.
        #[test]
        fn any_bytes_are_read_or_refused(
            noise: Vec<u8>,
            at: proptest::sample::Index,
            with: u8,
        ) {
            let mut bytes = Head { reporter: 7, sequence: 1 }.encode();
            bytes.extend(&noise);
            let _ = Report::decode(&bytes);
            let mut bytes = report(&[part(), part()]);
            let at = at.index(bytes.len());
            bytes[at] ^= with;
            if let Ok(report) = Report::decode(&bytes) {
                let rows = report.parts.iter().map(|part| part.rows.len()).sum::<usize>();
                assert!(rows < bytes.len());
            }
        }
    }
}
