//! Whether the audit is whole, and the keys are what it says.

use super::clock::ACCEPT_CLOCK;
use super::list::read_head;
use super::{Entry, Head};
use crate::Registry;
use crate::error::StoreError;
use crate::store::{Place, Progress, key_from_row};
use futures_util::TryStreamExt;
use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// What came of a verification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verified {
    /// How many entries were read.
    pub entries: usize,
    /// How many keys were compared with what the audit says of them.
    pub keys: usize,
    /// The last entry that was read.
    pub head: Head,
    /// What is wrong; nothing, if all is as it was.
    pub findings: Vec<Finding>,
    /// How many more things are wrong than `findings` holds.
    pub more: usize,
}

/// Something that nobody changes through cedarkey.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Finding {
    /// The entry that was known from before is there no longer, or is another.
    #[error("entry {number} is not the one that is known from before: the audit was written anew")]
    Anchor {
        /// Its number.
        number: i64,
    },
    /// An entry does not have the hash that its fields give.
    #[error("entry {number} was edited: its hash is another")]
    Edited {
        /// Its number.
        number: i64,
    },
    /// The head is not the last entry.
    #[error(
        "the audit ends with entry {last}, and its last one was {head}: the end was cut off, or entries were added by hand"
    )]
    End {
        /// The last entry's number.
        last: i64,
        /// The number that was noted of the last entry.
        head: i64,
    },
    /// Time went back.
    #[error("entry {number} is older than the one before")]
    Earlier {
        /// Its number.
        number: i64,
    },
    /// A key is not what the audit says.
    #[error("key `{key}` was changed past the audit: it is not what entry {number} made it")]
    KeyChanged {
        /// Its id.
        key: String,
        /// The last entry about it.
        number: i64,
    },
    /// A key is not there.
    #[error("key `{key}` of entry {number} is gone")]
    KeyGone {
        /// Its id.
        key: String,
        /// The last entry about it.
        number: i64,
    },
    /// A key was never issued.
    #[error(
        "key `{key}` was added past the audit: no entry knows it, or the entries that do were cut off"
    )]
    KeyUnknown {
        /// Its id.
        key: String,
    },
    /// A row cannot be read at all.
    #[error("{what} cannot be read: it was changed past the audit")]
    Malformed {
        /// Which.
        what: String,
    },
    /// Numbers are missing.
    #[error("entries {from} to {to} are missing")]
    Missing {
        /// The first.
        from: i64,
        /// The last.
        to: i64,
    },
    /// An entry does not know the one before it.
    #[error(
        "entry {number} does not follow the one before it: entries were removed, added or put in another order"
    )]
    Order {
        /// Its number.
        number: i64,
    },
}

/// How many findings are told one by one.
const MOST: usize = 1000;

/// How often progress is reported.
const STEP: usize = 1000;

/// What has been read so far.
struct Reader {
    verified: Verified,
    /// By key: the last entry about it, and the digest of what it made of it.
    keys: HashMap<String, (i64, [u8; 32])>,
    is_anchored: bool,
}

impl Registry {
    /// Reads the whole audit and all keys, and finds what was not done through cedarkey. `anchor`
    /// is the number and hash of an entry that is known from before; without one, somebody who can
    /// write the database can write the whole audit anew.
    ///
    /// # Errors
    ///
    /// Where the registry fails.
    pub async fn verify(
        &self,
        anchor: Option<(i64, &str)>,
        progress: Progress<'_>,
    ) -> Result<Verified, StoreError> {
        // One state of the whole, whatever is written meanwhile.
        let begin = match self.place {
            Place::File(_) => "BEGIN",
            Place::Postgres(_) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        let mut connection = self.pool.begin_with(begin).await?;
        let noted = read_head(&mut connection).await?;
        let mut reader = Reader::new();
        {
            let mut rows =
                sqlx::query("SELECT * FROM audit ORDER BY number").fetch(&mut *connection);
            while let Some(row) = rows.try_next().await? {
                match Entry::from_row(&row) {
                    Ok(entry) => reader.entry(&entry, anchor),
                    Err(error) => reader.malformed(error)?,
                }
                if reader.verified.entries.is_multiple_of(STEP) {
                    progress(reader.verified.entries);
                }
            }
        }
        let last = reader.verified.head.clone();
        if (last.number, &last.hash) != (noted.number, &noted.hash) {
            reader.find(Finding::End { last: last.number, head: noted.number });
        }
        if let Some((number, _)) = anchor.filter(|_| !reader.is_anchored) {
            reader.find(Finding::Anchor { number });
        }
        let mut rows = sqlx::query("SELECT * FROM keys ORDER BY id").fetch(&mut *connection);
        while let Some(row) = rows.try_next().await? {
            match key_from_row(&row) {
                Ok(key) => reader.key(&key.id, &key.image()),
                Err(error) => reader.malformed(error)?,
            }
        }
        let mut gone: Vec<_> =
            reader.keys.drain().map(|(key, (number, _))| (number, key)).collect();
        gone.sort_unstable();
        for (number, key) in gone {
            reader.find(Finding::KeyGone { key, number });
        }
        Ok(reader.verified)
    }
}

// === impl Reader ===

impl Reader {
    fn new() -> Self {
        let head = Head { number: 0, at: Timestamp::UNIX_EPOCH, hash: "0".repeat(64) };
        let verified = Verified { entries: 0, keys: 0, head, findings: Vec::new(), more: 0 };
        Self { verified, keys: HashMap::new(), is_anchored: false }
    }

    fn find(&mut self, finding: Finding) {
        if self.verified.findings.len() < MOST {
            self.verified.findings.push(finding);
        } else {
            self.verified.more = self.verified.more.saturating_add(1);
        }
    }

    /// A row that this program never wrote; any other error is none of the row's.
    fn malformed(&mut self, error: StoreError) -> Result<(), StoreError> {
        match error {
            StoreError::Malformed { key, column } => {
                self.keys.remove(&key);
                self.find(Finding::Malformed { what: format!("{column} of {key}") });
                Ok(())
            }
            StoreError::Other(sqlx::Error::ColumnDecode { index, .. }) => {
                self.find(Finding::Malformed { what: format!("a row's column {index}") });
                Ok(())
            }
            other => Err(other),
        }
    }

    fn entry(&mut self, entry: &Entry, anchor: Option<(i64, &str)>) {
        let before = &self.verified.head;
        let (number, expected) = (entry.number, before.number.saturating_add(1));
        let is_earlier = entry.at < before.at && entry.action != ACCEPT_CLOCK;
        let follows = entry.previous == before.hash;
        if number != expected {
            self.find(Finding::Missing { from: expected, to: number.saturating_sub(1) });
        } else if !follows {
            self.find(Finding::Order { number });
        }
        if entry.computed() != entry.hash {
            self.find(Finding::Edited { number });
        }
        if is_earlier {
            self.find(Finding::Earlier { number });
        }
        if anchor == Some((number, entry.hash.as_str())) {
            self.is_anchored = true;
        }
        if let (Some(key), Some(became)) = (&entry.key, &entry.became) {
            self.keys.insert(key.clone(), (number, digest(became)));
        }
        self.verified.head = entry.head();
        self.verified.entries = self.verified.entries.saturating_add(1);
    }

    fn key(&mut self, id: &str, image: &str) {
        self.verified.keys = self.verified.keys.saturating_add(1);
        match self.keys.remove(id) {
            None => self.find(Finding::KeyUnknown { key: id.into() }),
            Some((number, known)) if known != digest(image) => {
                self.find(Finding::KeyChanged { key: id.into(), number });
            }
            Some(_) => {}
        }
    }
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}
