//! Properties of a request, its connection and the proxy.

use std::collections::BTreeMap;

/// Properties by path, in the bytes that a proxy gives for them.
///
/// | kind | bytes |
/// |---|---|
/// | text, bytes | as they are |
/// | whole number, time (nanoseconds), duration | 64 bits, little-endian |
/// | truth value | one byte |
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Properties(BTreeMap<Vec<u8>, Vec<u8>>);

// === impl Properties ===

impl Properties {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With a text, or bytes.
    #[must_use]
    pub fn text(mut self, path: &[&str], value: impl AsRef<[u8]>) -> Self {
        self.set(path.join("\0").into_bytes(), value.as_ref().to_vec());
        self
    }

    /// With a whole number.
    #[must_use]
    pub fn number(self, path: &[&str], value: i64) -> Self {
        self.text(path, value.to_le_bytes())
    }

    /// With a truth value.
    #[must_use]
    pub fn flag(self, path: &[&str], value: bool) -> Self {
        self.text(path, [u8::from(value)])
    }

    /// The bytes of one.
    #[must_use]
    pub fn get(&self, path: &[&str]) -> Option<&[u8]> {
        self.find(path.join("\0").as_bytes())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One by its path as the ABI writes it, with zero bytes between its parts.
    pub(super) fn find(&self, path: &[u8]) -> Option<&[u8]> {
        self.0.get(path).map(Vec::as_slice)
    }

    pub(super) fn set(&mut self, path: Vec<u8>, value: Vec<u8>) {
        self.0.insert(path, value);
    }
}
