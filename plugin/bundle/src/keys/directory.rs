//! The directory of the key index: what vouches for every shard.

use alloc::vec::Vec;

use cedarkey_engine::token::KeyHash;

use super::bucket::{Cut, Cutter};
use super::shard;
use crate::{DecodeError, Digest, FORMAT, What, wire::Reader};

const LABEL: &[u8; 8] = b"ck-kdir\0";
const ENTRY: usize = 40;
const WHAT: What = What::the("key directory");

/// What a bundle says of all its key shards, so that a proxy can verify each bucket of a shard by
/// itself: directory → head → bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    bits: u16,
    bytes: Vec<u8>,
    /// Where the entries begin.
    from: usize,
}

/// What a directory says of one shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The digest of its head.
    pub root: Digest,
    /// How many keys it has.
    pub keys: u32,
    /// One above the highest profile that any of its keys has.
    pub profiles: u32,
}

// === impl Directory ===

impl Directory {
    /// Writes the directory of these shards, which come in the order of their numbers.
    ///
    /// # Errors
    ///
    /// A shard is not one or belongs elsewhere.
    pub fn build(shards: &[Vec<u8>]) -> Result<Vec<u8>, DecodeError> {
        let mut out = LABEL.to_vec();
        let bits = u16::try_from(shards.len().trailing_zeros()).unwrap_or(0);
        out.extend_from_slice(&FORMAT.to_le_bytes());
        out.extend_from_slice(&bits.to_le_bytes());
        for (number, shard) in shards.iter().enumerate() {
            let entry = Entry::of(&Cutter::new(number, shard.clone())?.finish());
            out.extend_from_slice(&entry.root.0);
            out.extend_from_slice(&entry.keys.to_le_bytes());
            out.extend_from_slice(&entry.profiles.to_le_bytes());
        }
        Ok(out)
    }

    /// Reads a directory.
    ///
    /// # Errors
    ///
    /// The bytes are not exactly one.
    pub fn open(bytes: Vec<u8>) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(WHAT, &bytes);
        reader.label(LABEL)?;
        let bits = reader.u16()?;
        if bits > shard::MAX_BITS {
            let (found, limit) = (bits.into(), shard::MAX_BITS.into());
            return Err(DecodeError::Limit { what: WHAT, found, limit });
        }
        let from = bytes.len().saturating_sub(reader.rest().len());
        reader.take(ENTRY.checked_shl(bits.into()).unwrap_or(usize::MAX))?;
        reader.finish()?;
        Ok(Self { bits, bytes, from })
    }

    /// The number of the shard in which the key with this hash is, if there is such a key.
    #[must_use]
    pub fn shard_of(&self, hash: &KeyHash) -> usize {
        shard::place(&hash.0, self.bits).0 as usize
    }

    /// What it says of a shard.
    #[must_use]
    pub fn entry(&self, shard: usize) -> Option<Entry> {
        self.raw().get(shard).and_then(Entry::read)
    }

    /// What it says of each shard.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = Entry> + '_ {
        // Each has the length that it must have.
        self.raw().iter().map(|entry| Entry::read(entry).unwrap_or(Entry::NONE))
    }

    /// Whether a shard that was cut is the one of this number.
    ///
    /// # Errors
    ///
    /// It is another.
    pub fn check(&self, shard: usize, cut: &Cut) -> Result<(), DecodeError> {
        if self.entry(shard) == Some(Entry::of(cut)) {
            return Ok(());
        }
        let what = What::nth("key shard", shard);
        Err(DecodeError::Invalid { what, why: "it is not the one that the directory vouches for" })
    }

    /// How many shards there are.
    #[must_use]
    pub fn shards(&self) -> usize {
        self.raw().len()
    }

    /// How many keys there are.
    #[must_use]
    pub fn keys(&self) -> u64 {
        self.entries().map(|entry| u64::from(entry.keys)).fold(0, u64::saturating_add)
    }

    /// One above the highest profile that any key has.
    #[must_use]
    pub fn profiles(&self) -> u32 {
        self.entries().map(|entry| entry.profiles).max().unwrap_or(0)
    }

    fn raw(&self) -> &[[u8; ENTRY]] {
        self.bytes.get(self.from..).unwrap_or_default().as_chunks().0
    }
}

// === impl Entry ===

impl Entry {
    const NONE: Self = Self { root: Digest([0; 32]), keys: 0, profiles: 0 };

    /// What a directory must say of a shard that was cut.
    #[must_use]
    pub fn of(cut: &Cut) -> Self {
        Self { root: Digest::of(&cut.head), keys: cut.keys, profiles: cut.profiles }
    }

    fn read(entry: &[u8; ENTRY]) -> Option<Self> {
        let (root, rest) = entry.split_first_chunk()?;
        let (keys, rest) = rest.split_first_chunk()?;
        let (profiles, _) = rest.split_first_chunk()?;
        Some(Self {
            root: Digest(*root),
            keys: u32::from_le_bytes(*keys),
            profiles: u32::from_le_bytes(*profiles),
        })
    }
}
