//! The parts of an HTTP request that decisions hang on, read so that nobody can read them otherwise.

pub mod cookie;
pub mod host;
pub mod path;
pub mod query;

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

/// Whether this is a method that everybody reads alike: a token (RFC 9110, section 5.6.2) without
/// lower-case letters. Methods are case-sensitive, but there are upstreams that forget it.
pub fn is_method(method: &str) -> bool {
    let proper = |byte: u8| {
        byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&byte)
    };
    !method.is_empty() && method.bytes().all(proper)
}

/// Decodes percent escapes; `None` where an escape is malformed or the result is not UTF-8.
pub fn percent_decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let (bytes, is_good) = unescape(text);
    String::from_utf8(bytes).ok().filter(|_| is_good).map(Cow::Owned)
}

/// Decodes as much as can be: malformed escapes stay, and what is not UTF-8 is replaced.
pub fn percent_decode_lossy(text: &str) -> String {
    String::from_utf8_lossy(&unescape(text).0).into_owned()
}

/// Decodes escapes, and tells whether none is malformed.
fn unescape(text: &str) -> (Vec<u8>, bool) {
    let mut bytes = Vec::with_capacity(text.len());
    let (mut rest, mut is_good) = (text.as_bytes(), true);
    while let Some((first, tail)) = rest.split_first() {
        let escaped = if *first == b'%' { tail.split_at_checked(2).and_then(escape) } else { None };
        is_good &= *first != b'%' || escaped.is_some();
        let (byte, tail) = escaped.unwrap_or((*first, tail));
        bytes.push(byte);
        rest = tail;
    }
    (bytes, is_good)
}

/// The byte that two digits stand for, and what follows them.
fn escape<'a>((digits, tail): (&[u8], &'a [u8])) -> Option<(u8, &'a [u8])> {
    let [high, low] = digits else { return None };
    let nibble = |digit: &u8| char::from(*digit).to_digit(16);
    Some((u8::try_from((nibble(high)? << 4) | nibble(low)?).ok()?, tail))
}
