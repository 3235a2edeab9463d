//! Where the VMs of a process put what they have counted: one value in shared data.

use crate::config::Config;
use crate::delivery::{Port, place};
use cedarkey_bundle::usage::MAX_BYTES;

/// The mailbox of a process.
#[derive(Debug)]
pub struct Mailbox {
    key: String,
}

/// What is in it: when it is to be emptied, and the parts.
#[derive(Debug)]
pub struct Mail {
    /// In milliseconds.
    pub due: i64,
    /// Whether nobody takes reports until it is due, so that nothing is put there.
    pub rests: bool,
    /// The parts that VMs have put there, one after the other.
    pub parts: Vec<u8>,
    version: Option<u32>,
}

/// Less than there may be in a report, whose head is to fit in too.
const MOST: usize = MAX_BYTES - 64;

// === impl Mail ===

impl Mail {
    /// Whether there is room for so little more that it is time to empty it.
    pub fn is_filling(&self) -> bool {
        self.parts.len() > MOST / 4
    }
}

// === impl Mailbox ===

impl Mailbox {
    /// For a configuration.
    pub fn new(config: &Config) -> Self {
        Self { key: format!("{}/usage", place(config)) }
    }

    /// What is there. Where there is no mailbox yet one is made, for the next time: as long as there
    /// is no value there is no version either by which two VMs could tell that both write.
    pub fn open(&self, due: i64, port: &mut impl Port) -> Option<Mail> {
        let (value, version) = port.shared(&self.key);
        let split = value.as_deref().and_then(|value| value.split_first_chunk());
        let Some((due, parts)) = split.filter(|_| version.is_some()) else {
            port.set_shared(&self.key, Some(&due.to_le_bytes()), version);
            return None;
        };
        let due = i64::from_le_bytes(*due);
        let (due, rests) = (due.saturating_abs(), due < 0);
        Some(Mail { due, rests, parts: parts.to_vec(), version })
    }

    /// Adds a part to what is there, which is then due at this instant at the latest: other
    /// configurations may report less often. Tells whether that was possible.
    pub fn add(&self, mut mail: Mail, part: &[u8], due: i64, port: &mut impl Port) -> bool {
        mail.parts.extend_from_slice(part);
        mail.due = mail.due.min(due);
        mail.rests = false;
        mail.parts.len() <= MOST && self.put(mail, port)
    }

    /// Takes what is there, and says when that is to be done next. Nothing, where another VM has
    /// written meanwhile.
    pub fn take(&self, mut mail: Mail, due: i64, port: &mut impl Port) -> Option<Vec<u8>> {
        let parts = std::mem::take(&mut mail.parts);
        self.put(Mail { due, rests: false, ..mail }, port).then_some(parts)
    }

    /// Throws away what is there, and lets nothing be put there for a while.
    pub fn rest(&self, mail: Mail, until: i64, port: &mut impl Port) {
        self.put(Mail { due: until, rests: true, parts: Vec::new(), ..mail }, port);
    }

    /// That it rests is the sign of the number: there is no time before 1970.
    fn put(&self, Mail { due, rests, parts, version }: Mail, port: &mut impl Port) -> bool {
        let due = if rests { due.saturating_neg() } else { due };
        port.set_shared(&self.key, Some(&[&due.to_le_bytes()[..], &parts].concat()), version)
    }
}
