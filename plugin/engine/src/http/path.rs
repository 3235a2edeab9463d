//! The request target: a path that has one reading only, and a query.
//!
//! The proxy is set up to normalise paths. What is still not normal when it gets here is refused,
//! never repaired: cedarkey would decide on one path and the upstream might serve another. See
//! RFC 3986, section 6, for what is equivalent and RFC 9112, section 3.2, for request targets.

use super::percent_decode;
use alloc::borrow::Cow;

/// The longest path that is looked at, in bytes.
pub const MAX_PATH: usize = 8192;

/// The most segments that a path may have.
pub const MAX_SEGMENTS: usize = 64;

/// A request target whose path has one reading only.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    path: &'a str,
    query: Option<&'a str>,
    /// Whether the path holds percent escapes.
    escaped: bool,
}

/// Why a path can be read in more than one way. It is the caller's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It holds a control character, a space, a backslash, `#`, or a byte beyond ASCII.
    #[error("the path holds a character that must not stand in one")]
    Character,
    /// It has a `.` or `..` segment, be it percent-encoded.
    #[error("the path holds a dot segment")]
    DotSegment,
    /// It has two slashes in a row.
    #[error("the path holds an empty segment")]
    EmptySegment,
    /// It encodes a character that changes meaning when it is decoded.
    #[error("the path encodes a slash, backslash, percent sign or control character")]
    EncodedSeparator,
    /// It has a malformed escape, or one that is not UTF-8.
    #[error("the path holds a malformed percent escape")]
    Escape,
    /// It does not begin with a slash.
    #[error("the path does not begin with `/`")]
    NotAbsolute,
    /// It holds `;`, which begins parameters of a segment that some upstreams cut off before they
    /// look for what to serve, and others do not.
    #[error("the path holds a semicolon")]
    Parameters,
    /// It is longer, or has more segments, than is looked at.
    #[error("the path is too long")]
    TooLong,
}

// === impl Target ===

impl<'a> Target<'a> {
    /// Reads a request target in origin form.
    ///
    /// # Errors
    ///
    /// Where the path is not in the one form that everybody reads alike.
    pub fn parse(raw: &'a str) -> Result<Self, PathError> {
        let end = raw.bytes().position(|byte| byte == b'?');
        let path = end.map_or(Some(raw), |end| raw.get(..end)).unwrap_or_default();
        let query = end.and_then(|end| raw.get(end.saturating_add(1)..));
        if path.len() > MAX_PATH {
            return Err(PathError::TooLong);
        }
        let (mut escaped, mut parameters) = (false, false);
        // How many segments there are, how long the last one is, and how many dots are in it.
        let (mut count, mut length, mut dots) = (0_usize, 0_usize, 0_usize);
        for byte in path.bytes() {
            match byte {
                b'/' => {
                    if count > 0 && length == 0 {
                        return Err(PathError::EmptySegment);
                    }
                    if is_dots(length, dots) {
                        return Err(PathError::DotSegment);
                    }
                    count = count.saturating_add(1);
                    (length, dots) = (0, 0);
                    continue;
                }
                b'\\' | b'#' => return Err(PathError::Character),
                b'%' => escaped = true,
                b';' => parameters = true,
                b'.' => dots = dots.saturating_add(1),
                _ if byte.is_ascii_graphic() => {}
                _ => return Err(PathError::Character),
            }
            length = length.saturating_add(1);
            if count == 0 {
                return Err(PathError::NotAbsolute);
            }
        }
        // The last may be empty: a trailing slash is part of the path.
        match count {
            0 => return Err(PathError::NotAbsolute),
            1..=MAX_SEGMENTS => {}
            _ => return Err(PathError::TooLong),
        }
        if is_dots(length, dots) {
            return Err(PathError::DotSegment);
        }
        let target = Self { path, query, escaped };
        // Most paths hold nothing that has to be looked at once more.
        if escaped || parameters {
            target.relative().split('/').try_for_each(check_segment)?;
        }
        Ok(target)
    }

    /// The path, as received.
    pub fn path(&self) -> &'a str {
        self.path
    }

    /// What stands behind the first `?`, as received.
    pub fn query(&self) -> Option<&'a str> {
        self.query
    }

    /// The path, percent-decoded: no two texts of it lead to one resource.
    pub fn decoded(&self) -> Cow<'a, str> {
        // No slash came of it.
        self.decode(self.path)
    }

    /// The segments, percent-decoded.
    pub fn segments(&self) -> impl Iterator<Item = Cow<'a, str>> + use<'a> {
        let target = *self;
        target.relative().split('/').map(move |segment| target.decode(segment))
    }

    /// The segments as received, with a slash between each two, where that is what they are decoded
    /// too.
    pub(crate) fn plain(&self) -> Option<&'a str> {
        if self.escaped { None } else { Some(self.relative()) }
    }

    /// What follows the first slash, which is there.
    fn relative(&self) -> &'a str {
        self.path.get(1..).unwrap_or_default()
    }

    /// Decodes what is part of the path, which was tried when it was read.
    fn decode(&self, part: &'a str) -> Cow<'a, str> {
        let decoded = if self.escaped { percent_decode(part) } else { None };
        decoded.unwrap_or(Cow::Borrowed(part))
    }
}

/// Whether a segment of that length, with so many dots, stands for its own place or the one above.
fn is_dots(length: usize, dots: usize) -> bool {
    length == dots && (1..=2).contains(&dots)
}

#[cold]
fn check_segment(segment: &str) -> Result<(), PathError> {
    let decoded = percent_decode(segment).ok_or(PathError::Escape)?;
    // `..;x` counts: some upstreams cut parameters off before they resolve dots.
    let name = decoded.split(';').next().unwrap_or_default();
    if matches!(name, "." | "..") {
        return Err(PathError::DotSegment);
    }
    if decoded.contains(';') {
        return Err(PathError::Parameters);
    }
    let escaped = matches!(decoded, Cow::Owned(_));
    let separates = |c: char| c.is_control() || matches!(c, '/' | '\\' | '%');
    if escaped && decoded.contains(separates) {
        return Err(PathError::EncodedSeparator);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn plain_paths_are_split() {
        let segments = |raw| Target::parse(raw).unwrap().segments().collect::<Vec<_>>();
        assert_eq!(segments("/"), [""]);
        assert_eq!(segments("/v1/orders/7?x=/../"), ["v1", "orders", "7"]);
        assert_eq!(segments("/v1/orders/"), ["v1", "orders", ""]);
        assert_eq!(segments("/caf%C3%A9/%7Eme"), ["café", "~me"]);
        assert_eq!(Target::parse("/%61/caf%C3%A9/?x").unwrap().decoded(), "/a/café/");
        assert_eq!(Target::parse("/a?b?c").unwrap().query(), Some("b?c"));
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        let refused = |raw: &str| Target::parse(raw).expect_err(raw);
        for raw in ["", "v1", "*", "http://a/b", "?x"] {
            assert_eq!(refused(raw), PathError::NotAbsolute);
        }
        for raw in [
            "/v1/./a",
            "/v1/../a",
            "/..",
            "/v1/%2e%2e/a",
            "/v1/.%2E",
            "/%2e",
            "/..;/a",
            "/a/..;x=1",
        ] {
            assert_eq!(refused(raw), PathError::DotSegment);
        }
        for raw in ["//", "//a", "/a//b"] {
            assert_eq!(refused(raw), PathError::EmptySegment);
        }
        for raw in ["/a%2fb", "/a%2Fb", "/a%5cb", "/a%00", "/a%0d%0a", "/a%252fb", "/..%2fadmin"] {
            assert_eq!(refused(raw), PathError::EncodedSeparator);
        }
        for raw in ["/%", "/%2", "/%zz", "/%u002e", "/%c0%ae", "/%ff"] {
            assert_eq!(refused(raw), PathError::Escape);
        }
        for raw in ["/a;b=c", "/a;", "/;/a", "/a%3Bb/c"] {
            assert_eq!(refused(raw), PathError::Parameters);
        }
        for raw in ["/a\\b", "/a b", "/a#b", "/a\u{7f}", "/é", "/a\nb"] {
            assert_eq!(refused(raw), PathError::Character);
        }
        assert_eq!(refused(&"/a".repeat(65)), PathError::TooLong);
        assert_eq!(refused(&alloc::format!("/{}", "a".repeat(MAX_PATH))), PathError::TooLong);
    }
}
