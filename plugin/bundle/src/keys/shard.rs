//! One shard and its records, in place.

use alloc::vec::Vec;

use cedarkey_engine::{
    key::{KeyId, KeyRecord},
    token::KeyHash,
};

use super::MAX_SHARD;
use crate::{DecodeError, FORMAT, What, wire::Reader};

const LABEL: &[u8; 8] = b"ck-keys\0";
const HEADER: usize = 20;
const RECORD: usize = 76;

/// How many records a shard has room for.
pub(super) const MAX_RECORDS: usize = (MAX_SHARD - HEADER) / RECORD;

/// The most shard bits that are ever used: room for 200 million keys.
pub(super) const MAX_BITS: u16 = 16;

/// What an RFC 3339 timestamp is able to say: the years 0 to 9999, in milliseconds.
const TIMES: core::ops::RangeInclusive<i64> = -62_167_219_200_000..=253_402_300_799_999;

/// A shard that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shard {
    bits: u16,
    number: u32,
    /// The whole segment.
    bytes: Vec<u8>,
}

type Record = [u8; RECORD];

/// The shard a hash belongs to, and the first 8 bytes by which it is found there.
pub(super) fn place(hash: &[u8; 32], bits: u16) -> (u32, u64) {
    let [a, b, c, d, e, f, g, h, ..] = *hash;
    let prefix = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
    // No bits at all would be a shift by all 64, which is everything in shard 0.
    let shift = 64_u32.saturating_sub(bits.into());
    let number = prefix.checked_shr(shift).unwrap_or(0);
    (u32::try_from(number).unwrap_or(u32::MAX), prefix)
}

/// Whether a record may be in an index: the reason why not.
pub(super) fn objection(key: &KeyRecord) -> Option<&'static str> {
    if key.id == KeyId([0; 16]) {
        return Some("its id is nothing but zeros");
    }
    if ![key.created, key.not_before, key.expires].iter().all(|time| TIMES.contains(time)) {
        return Some("it has a time outside of the years 0 to 9999");
    }
    None
}

/// Writes a shard. The keys are its own, sorted.
pub(super) fn encode(bits: u16, number: u32, keys: &[(KeyHash, KeyRecord)]) -> Vec<u8> {
    let mut out = Vec::with_capacity(keys.len().saturating_mul(RECORD).saturating_add(HEADER));
    // No more than `MAX_RECORDS`, which the caller saw to.
    let count = u32::try_from(keys.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(LABEL);
    out.extend_from_slice(&FORMAT.to_le_bytes());
    out.extend_from_slice(&bits.to_le_bytes());
    out.extend_from_slice(&number.to_le_bytes());
    out.extend_from_slice(&count.to_le_bytes());
    for (hash, key) in keys {
        out.extend_from_slice(&hash.0);
        out.extend_from_slice(&key.id.0);
        for time in [key.created, key.not_before, key.expires] {
            out.extend_from_slice(&time.to_le_bytes());
        }
        out.extend_from_slice(&key.profile.to_le_bytes());
    }
    out
}

// === impl Shard ===

impl Shard {
    /// Checks the segment at this position of the index.
    pub(super) fn open(position: usize, bytes: Vec<u8>) -> Result<Self, DecodeError> {
        let what = What::nth("key shard", position);
        if bytes.len() > MAX_SHARD {
            let (found, limit) = (bytes.len() as u64, MAX_SHARD as u64);
            return Err(DecodeError::Limit { what, found, limit });
        }
        let mut reader = Reader::new(what, &bytes);
        reader.label(LABEL)?;
        let bits = reader.u16()?;
        let number = reader.u32()?;
        let count = reader.u32()? as usize;
        reader.take(count.saturating_mul(RECORD))?;
        reader.finish()?;
        if bits > MAX_BITS {
            let (found, limit) = (bits.into(), MAX_BITS.into());
            return Err(DecodeError::Limit { what, found, limit });
        }
        if number as usize != position {
            return Err(DecodeError::Invalid { what, why: "its number is that of another shard" });
        }
        let shard = Self { bits, number, bytes };
        shard.check(what)?;
        Ok(shard)
    }

    pub(super) fn bits(&self) -> u16 {
        self.bits
    }

    pub(super) fn len(&self) -> usize {
        self.records().len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (KeyHash, KeyRecord)> + '_ {
        self.records().iter().filter_map(decode)
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// The records, as they lie.
    pub(super) fn record_bytes(&self) -> &[u8] {
        self.records().as_flattened()
    }

    /// The key with this hash, whose first 8 bytes are `prefix`.
    pub(super) fn find(&self, hash: &KeyHash, prefix: u64) -> Option<KeyRecord> {
        let from = self.lower_bound(prefix);
        find_from(self.records().get(from..)?, hash, prefix)
    }

    /// The position of the first record that is not below `prefix`.
    ///
    /// Hashes are spread evenly, so where one lies can be told from its value: a few guesses
    /// narrow the search down to almost nothing, and halving ends it whatever the guesses were.
    fn lower_bound(&self, prefix: u64) -> usize {
        const GUESSES: u32 = 3;
        let records = self.records();
        let (mut low, mut high) = (0, records.len());
        let (mut least, mut most) = self.prefixes();
        let mut tried = 0_u32;
        while low < high {
            let width = high.saturating_sub(low);
            let step = if tried < GUESSES { guess(prefix, least, most, width) } else { width / 2 };
            let middle = low.saturating_add(step);
            let Some(found) = records.get(middle).map(prefix_of) else { break };
            if found < prefix {
                (low, least) = (middle.saturating_add(1), found);
            } else {
                (high, most) = (middle, found);
            }
            tried = tried.saturating_add(1);
        }
        low
    }

    /// The least and the greatest prefix that belong to this shard.
    fn prefixes(&self) -> (u64, u64) {
        let shift = 64_u32.saturating_sub(self.bits.into());
        let least = u64::from(self.number).checked_shl(shift).unwrap_or(0);
        (least, least | u64::MAX.checked_shr(self.bits.into()).unwrap_or(0))
    }

    fn records(&self) -> &[Record] {
        self.bytes.get(HEADER..).unwrap_or_default().as_chunks().0
    }

    fn check(&self, what: What) -> Result<(), DecodeError> {
        let mut last: Option<KeyHash> = None;
        for (entry, (hash, key)) in (0_u64..).zip(self.iter()) {
            if last.is_some_and(|last| last.0 >= hash.0) {
                return Err(DecodeError::Order { what, entry });
            }
            if place(&hash.0, self.bits).0 != self.number {
                let why = "its hash belongs to another shard";
                return Err(DecodeError::Entry { what, entry, why });
            }
            if let Some(why) = objection(&key) {
                return Err(DecodeError::Entry { what, entry, why });
            }
            last = Some(hash);
        }
        Ok(())
    }
}

/// The key with this hash in some sorted records.
pub(super) fn find(records: &[u8], hash: &KeyHash) -> Option<KeyRecord> {
    let (records, _): (&[Record], _) = records.as_chunks();
    let (_, prefix) = place(&hash.0, 0);
    let from = records.partition_point(|record| prefix_of(record) < prefix);
    find_from(records.get(from..)?, hash, prefix)
}

/// The key with this hash, where the records with its prefix come first.
fn find_from(records: &[Record], hash: &KeyHash, prefix: u64) -> Option<KeyRecord> {
    let alike = records.iter().take_while(|record| prefix_of(record) == prefix);
    alike.filter_map(decode).find_map(|(found, key)| (found == *hash).then_some(key))
}

/// How many bytes the first records take whose hashes are as wanted.
pub(super) fn length_while(records: &[u8], wanted: impl Fn(&[u8; 32]) -> bool) -> usize {
    let (records, _): (&[Record], _) = records.as_chunks();
    let count = records.partition_point(|record| record.first_chunk().is_some_and(&wanted));
    count.saturating_mul(RECORD)
}

/// How far into `width` records, whose prefixes run from `least` to `most`, a prefix may lie;
/// always below `width`, which is not 0.
fn guess(prefix: u64, least: u64, most: u64, width: usize) -> usize {
    // Half of the bits are enough for a guess, and can be multiplied.
    let [ahead, span] = [prefix, most].map(|to| to.saturating_sub(least) >> 32);
    let step = ahead.saturating_mul(width as u64).checked_div(span.saturating_add(1)).unwrap_or(0);
    usize::try_from(step).unwrap_or(usize::MAX).min(width.saturating_sub(1))
}

fn prefix_of(record: &Record) -> u64 {
    record.first_chunk().map_or(0, |prefix| u64::from_be_bytes(*prefix))
}

/// Reads a record; it is always long enough.
fn decode(record: &Record) -> Option<(KeyHash, KeyRecord)> {
    let (hash, rest) = record.split_first_chunk()?;
    let (id, rest) = rest.split_first_chunk()?;
    let (created, rest) = rest.split_first_chunk()?;
    let (not_before, rest) = rest.split_first_chunk()?;
    let (expires, rest) = rest.split_first_chunk()?;
    let (profile, _) = rest.split_first_chunk()?;
    let key = KeyRecord {
        id: KeyId(*id),
        created: i64::from_le_bytes(*created),
        not_before: i64::from_le_bytes(*not_before),
        expires: i64::from_le_bytes(*expires),
        profile: u32::from_le_bytes(*profile),
    };
    Some((KeyHash(*hash), key))
}
