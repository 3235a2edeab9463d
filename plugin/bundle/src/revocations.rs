//! The keys that were revoked: a sorted list of ids, read in place.
//!
//! The list is its own segment because it is what changes when a key is revoked, and it must reach
//! every proxy at once.
//!
//! Layout: the label, the format as `u16`, the count as `u64`, then the ids, 16 bytes each,
//! strictly ascending. Integers are little-endian.

use alloc::vec::Vec;

use cedarkey_engine::key::KeyId;

use crate::{DecodeError, FORMAT, What, wire::Reader};

const LABEL: &[u8; 8] = b"ck-revok";
const HEADER: usize = 18;
const ID: usize = 16;

/// The ids of all keys that were revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocations {
    bytes: Vec<u8>,
}

/// Writes the segment. The ids may come in any order and more than once.
#[must_use]
pub fn build(ids: impl IntoIterator<Item = KeyId>) -> Vec<u8> {
    let mut ids: Vec<KeyId> = ids.into_iter().collect();
    ids.sort_unstable();
    ids.dedup();
    let mut out = Vec::with_capacity(ids.len().saturating_mul(ID).saturating_add(HEADER));
    out.extend_from_slice(LABEL);
    out.extend_from_slice(&FORMAT.to_le_bytes());
    out.extend_from_slice(&(ids.len() as u64).to_le_bytes());
    for id in ids {
        out.extend_from_slice(&id.0);
    }
    out
}

/// Checks a segment and keeps it.
///
/// # Errors
///
/// The bytes are not a list of ids as [`build`] writes it.
pub fn open(bytes: Vec<u8>) -> Result<Revocations, DecodeError> {
    let what = What::the("list of revocations");
    let mut reader = Reader::new(what, &bytes);
    reader.label(LABEL)?;
    let count = reader.u64()?;
    let (ids, rest) = reader.rest().as_chunks::<ID>();
    if !rest.is_empty() || ids.len() as u64 != count {
        let expected = count.saturating_mul(ID as u64).saturating_add(HEADER as u64);
        return Err(DecodeError::Length { what, expected, found: bytes.len() as u64 });
    }
    if let Some(before) = ids.array_windows().position(|[a, b]| a >= b) {
        return Err(DecodeError::Order { what, entry: (before as u64).saturating_add(1) });
    }
    Ok(Revocations { bytes })
}

// === impl Revocations ===

impl Revocations {
    /// Whether this key was revoked.
    #[must_use]
    pub fn contains(&self, id: &KeyId) -> bool {
        self.ids().binary_search(&id.0).is_ok()
    }

    /// How many keys were revoked.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids().len()
    }

    /// Whether no key was revoked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids().is_empty()
    }

    /// The ids in ascending order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = KeyId> + '_ {
        self.ids().iter().map(|id| KeyId(*id))
    }

    fn ids(&self) -> &[[u8; ID]] {
        self.bytes.get(HEADER..).unwrap_or_default().as_chunks().0
    }
}
