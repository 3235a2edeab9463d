//! Headers, and their form in the ABI.

use super::abi::Status;
use std::fmt;

/// Headers in order, as bytes: a proxy does not promise that a value is text. Names are in lower
/// case.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Headers(Vec<(Vec<u8>, Vec<u8>)>);

// === impl Headers ===

impl Headers {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The pseudo-headers of a request over plain HTTP.
    #[must_use]
    pub fn request(method: &str, authority: &str, path: &str) -> Self {
        Self::new()
            .with(":authority", authority)
            .with(":path", path)
            .with(":method", method)
            .with(":scheme", "http")
    }

    /// With one more.
    #[must_use]
    pub fn with(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.add(name, value);
        self
    }

    /// Adds one, beside those of the same name.
    pub fn add(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.0.push((name.as_ref().to_ascii_lowercase(), value.as_ref().to_vec()));
    }

    /// Puts one in the place of all of the same name.
    pub fn replace(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.remove(&name);
        self.add(name, value);
    }

    /// Removes all of that name.
    pub fn remove(&mut self, name: impl AsRef<[u8]>) {
        let name = name.as_ref();
        self.0.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
    }

    /// The first value of that name.
    #[must_use]
    pub fn get(&self, name: impl AsRef<[u8]>) -> Option<&[u8]> {
        let name = name.as_ref();
        let found = self.0.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_slice())
    }

    /// The first value of that name, if it is text.
    #[must_use]
    pub fn text(&self, name: impl AsRef<[u8]>) -> Option<&str> {
        str::from_utf8(self.get(name)?).ok()
    }

    /// All names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.0.iter().map(|(name, value)| (name.as_slice(), value.as_slice()))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Their number, the lengths of all names and values, then the names and values, each with a
    /// zero byte after it; numbers are 32 bits, little-endian.
    pub(super) fn encode(&self) -> Vec<u8> {
        let number = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
        let mut bytes = number(self.len()).to_vec();
        for (name, value) in self.iter() {
            bytes.extend(number(name.len()));
            bytes.extend(number(value.len()));
        }
        for (name, value) in self.iter() {
            for part in [name, value] {
                bytes.extend(part);
                bytes.push(0);
            }
        }
        bytes
    }

    /// Reads what [`encode`](Self::encode) writes; no bytes at all are no headers.
    ///
    /// Stricter than Envoy, which takes malformed pairs for none: a module should not make any.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Status> {
        if bytes.is_empty() {
            return Ok(Self::new());
        }
        Self::read(bytes).ok_or(Status::ParseFailure)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (count, rest) = number(bytes)?;
        let (mut lengths, mut parts) = rest.split_at_checked(count.checked_mul(8)?)?;
        let mut headers = Self::new();
        for _ in 0..count {
            let (name, value);
            (name, lengths) = number(lengths)?;
            (value, lengths) = number(lengths)?;
            let (name_bytes, value_bytes);
            (name_bytes, parts) = part(parts, name)?;
            (value_bytes, parts) = part(parts, value)?;
            headers.add(name_bytes, value_bytes);
        }
        parts.is_empty().then_some(headers)
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = String::from_utf8_lossy;
        f.debug_list().entries(self.iter().map(|(name, value)| (text(name), text(value)))).finish()
    }
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        pairs.into_iter().fold(Self::new(), |headers, (name, value)| headers.with(name, value))
    }
}

/// A number, and what follows it.
fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u32::from_le_bytes(*number).try_into().ok()?, rest))
}

/// So many bytes and a zero, and what follows them.
fn part(bytes: &[u8], length: usize) -> Option<(&[u8], &[u8])> {
    let (part, rest) = bytes.split_at_checked(length)?;
    Some((part, rest.strip_prefix(&[0])?))
}

#[cfg(test)]
mod tests;
