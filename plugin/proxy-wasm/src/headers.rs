//! Headers and trailers, read where they lie.

/// Headers in the form in which the ABI hands them over (Proxy-Wasm ABI 0.2.1, "Serialization"): how
/// many there are, the lengths of each name and value, then each name and value with a zero byte
/// behind it. Numbers have 32 bits and are little-endian.
///
/// Nothing is copied out of it. Names are ASCII, and in lower case as proxies give them; values are
/// whatever was sent.
#[derive(Clone, Debug, Default)]
pub struct Headers(Vec<u8>);

/// The headers that are left.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    lengths: &'a [u8],
    texts: &'a [u8],
}

/// The parts of a request's first line (RFC 9113, section 8.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Start<'a> {
    /// `:method`.
    pub method: Option<&'a str>,
    /// `:authority`.
    pub authority: Option<&'a str>,
    /// `:path`, with the query.
    pub path: Option<&'a str>,
}

// === impl Headers ===

impl Headers {
    /// Takes what the proxy handed over. `None` where it is not of that form.
    pub fn read(block: Vec<u8>) -> Option<Self> {
        let headers = Self(block);
        let mut rest = headers.iter();
        let ascii = rest.by_ref().all(|(name, _)| name.is_ascii());
        (ascii && rest.lengths.is_empty() && rest.texts.is_empty()).then_some(headers)
    }

    /// Names and values, in order.
    pub fn iter(&self) -> Iter<'_> {
        let split = || {
            let (count, rest) = self.0.split_first_chunk()?;
            rest.split_at_checked((u32::from_le_bytes(*count) as usize).checked_mul(8)?)
        };
        // What is too short for its own lengths is all texts, which a good block never leaves over.
        let (lengths, texts) = split().unwrap_or((&[], &self.0));
        Iter { lengths, texts }
    }

    /// What the request is for. What occurs several times, or is not text, counts as absent.
    pub fn start(&self) -> Start<'_> {
        // How often each occurs, and its value.
        let mut parts: [(u32, &[u8]); 3] = [(0, &[]); 3];
        let [method, authority, path] = &mut parts;
        for (name, value) in self.iter() {
            let part = match name {
                b":method" => &mut *method,
                b":authority" => &mut *authority,
                b":path" => &mut *path,
                _ => continue,
            };
            *part = (part.0.saturating_add(1), value);
        }
        let text = |(count, value)| str::from_utf8(value).ok().filter(|_| count == 1_u32);
        let [method, authority, path] = parts.map(text);
        Start { method, authority, path }
    }

    /// The values of a header.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let same = move |(other, _): &(&[u8], &[u8])| *other == name.as_bytes();
        self.iter().filter(same).map(|(_, value)| value)
    }

    /// The values of a header that are text.
    pub fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.all(name).filter_map(|value| str::from_utf8(value).ok())
    }

    /// The value of a header that occurs once, as text.
    pub fn one(&self, name: &str) -> Option<&str> {
        let mut values = self.all(name);
        let value = values.next()?;
        if values.next().is_some() { None } else { str::from_utf8(value).ok() }
    }
}

// === impl Iter ===

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, lengths) = self.lengths.split_first_chunk()?;
        let (value, lengths) = lengths.split_first_chunk()?;
        let (name, texts) = cut(self.texts, *name)?;
        let (value, texts) = cut(texts, *value)?;
        *self = Self { lengths, texts };
        Some((name, value))
    }
}

/// A text of that length, and what follows the byte behind it.
fn cut(texts: &[u8], length: [u8; 4]) -> Option<(&[u8], &[u8])> {
    let (text, rest) = texts.split_at_checked(u32::from_le_bytes(length) as usize)?;
    rest.split_first().map(|(_, rest)| (text, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The block that a proxy makes of headers.
    fn block(headers: &[(&[u8], &[u8])]) -> Vec<u8> {
        let length = |text: &[u8]| (text.len() as u32).to_le_bytes();
        let mut block = (headers.len() as u32).to_le_bytes().to_vec();
        block.extend(
            headers.iter().flat_map(|(name, value)| [length(name), length(value)]).flatten(),
        );
        let texts = headers.iter().flat_map(|(name, value)| [name, b"\0".as_slice(), value, b"\0"]);
        block.extend(texts.flatten());
        block
    }

    impl<N: AsRef<[u8]>, V: AsRef<[u8]>> FromIterator<(N, V)> for Headers {
        fn from_iter<T: IntoIterator<Item = (N, V)>>(headers: T) -> Self {
            let owned: Vec<_> = headers.into_iter().collect();
            let parts: Vec<_> = owned.iter().map(|(n, v)| (n.as_ref(), v.as_ref())).collect();
            Self::read(block(&parts)).unwrap()
        }
    }

    #[test]
    fn headers_are_read_in_order() {
        let all: [(&[u8], &[u8]); 4] =
            [(b":path", b"/"), (b"a", b""), (b"a", b"\0\xff"), (b"", b"x")];
        let headers = Headers::read(block(&all)).unwrap();
        assert_eq!(headers.iter().collect::<Vec<_>>(), all);
        assert_eq!(headers.all("a").collect::<Vec<_>>(), [b"".as_slice(), b"\0\xff"]);
        assert_eq!(
            (headers.one(":path"), headers.one("a"), headers.one("b")),
            (Some("/"), None, None)
        );
        let start = Start { path: Some("/"), ..Start::default() };
        assert_eq!(headers.start(), start);
        let twice = [(":method", "A"), (":path", "/"), (":method", "A"), (":method", "A")];
        assert_eq!(twice.into_iter().collect::<Headers>().start(), start);
        assert_eq!(headers.texts("a").collect::<Vec<_>>(), [""]);
        assert_eq!(Headers::read(Vec::new()).unwrap().iter().count(), 0);
        assert_eq!(Headers::read(vec![0; 4]).unwrap().iter().count(), 0);
    }

    #[test]
    fn what_is_not_a_block_is_none() {
        let good = block(&[(b"name", b"value"), (b"x", b"y")]);
        for end in 1..good.len() {
            assert!(Headers::read(good[..end].to_vec()).is_none(), "{end} bytes");
        }
        assert!(Headers::read([good.as_slice(), b"z"].concat()).is_none());
        assert!(Headers::read(vec![255; 64]).is_none());
        assert!(Headers::read(block(&[("é".as_bytes(), b"")])).is_none());
    }
}
