//! Reading bytes with every length checked.

use crate::{DecodeError, FORMAT, What};

/// A cursor over bytes of which nothing is known.
pub(crate) struct Reader<'a> {
    what: What,
    rest: &'a [u8],
}

// === impl Reader ===

impl<'a> Reader<'a> {
    /// Reads `bytes`; errors speak of `what`.
    pub(crate) fn new(what: What, bytes: &'a [u8]) -> Self {
        Self { what, rest: bytes }
    }

    /// The bytes not yet read.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next `count` bytes.
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        self.take_for(self.what, count)
    }

    /// The next `count` bytes; an error speaks of `what`, which is a part of the whole.
    pub(crate) fn take_for(&mut self, what: What, count: usize) -> Result<&'a [u8], DecodeError> {
        let Some((taken, rest)) = self.rest.split_at_checked(count) else {
            return Err(Self::truncated(what, count, self.rest));
        };
        self.rest = rest;
        Ok(taken)
    }

    /// The next `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], DecodeError> {
        let Some((taken, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(Self::truncated(self.what, N, self.rest));
        };
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, DecodeError> {
        let [byte] = *self.array()?;
        Ok(byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, DecodeError> {
        Ok(u16::from_le_bytes(*self.array()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, DecodeError> {
        Ok(u32::from_le_bytes(*self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, DecodeError> {
        Ok(u64::from_le_bytes(*self.array()?))
    }

    /// The label and the format number that everything starts with.
    pub(crate) fn label(&mut self, label: &[u8; 8]) -> Result<(), DecodeError> {
        // A wrong label says more than "cut short" about a file that is something else entirely.
        let common = self.rest.len().min(label.len());
        if self.rest.get(..common) != label.get(..common) {
            return Err(DecodeError::Label { what: self.what });
        }
        self.array::<8>()?;
        check_format(self.what, self.u16()?)
    }

    /// Refuses bytes that nothing has read.
    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(DecodeError::Trailing { what: self.what, extra: self.rest.len() as u64 })
    }

    fn truncated(what: What, needed: usize, rest: &[u8]) -> DecodeError {
        DecodeError::Truncated { what, needed: needed as u64, left: rest.len() as u64 }
    }
}

/// Refuses every format but the one this build reads.
pub(crate) fn check_format(what: What, found: u16) -> Result<(), DecodeError> {
    if found == FORMAT {
        return Ok(());
    }
    Err(DecodeError::Format { what, found, supported: FORMAT })
}
