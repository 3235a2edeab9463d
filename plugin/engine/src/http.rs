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
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let [high, low, tail @ ..] = rest else { return None };
        let nibble = |digit: &u8| char::from(*digit).to_digit(16);
        bytes.push(u8::try_from((nibble(high)? << 4) | nibble(low)?).ok()?);
        rest = tail;
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}
