//! What a proxy tells the publisher of itself with each poll.

/// What is told.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// What the proxy calls itself.
    pub node: Option<&'a str>,
    /// The version in force, and the instant since when, in seconds.
    pub active: Option<(u64, i64)>,
    /// The cause of the last failure, unless something has worked since.
    pub error: Option<&'static str>,
}

/// The longest value of a header, in bytes.
const LONGEST: usize = 256;

// === impl Report ===

impl Report<'_> {
    /// The headers that tell it.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = vec![("x-cedarkey-filter", env!("CARGO_PKG_VERSION").to_owned())];
        headers.extend(self.node.map(|node| ("x-cedarkey-node", encode(node))));
        let active = self.active;
        headers.extend(
            active
                .map(|(version, since)| ("x-cedarkey-active", format!("{version};since={since}"))),
        );
        headers.extend(self.error.map(|error| ("x-cedarkey-error", error.to_owned())));
        headers
    }
}

/// A text as the value of a header: percent-encoded but for unreserved characters (RFC 3986,
/// section 2.3), and cut off before the character that it would be too long with.
fn encode(text: &str) -> String {
    let mut out = String::new();
    let mut buffer = [0; 4];
    for character in text.chars() {
        let mut encoded = String::new();
        for byte in character.encode_utf8(&mut buffer).bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    encoded.push(char::from(byte));
                }
                byte => encoded.push_str(&format!("%{byte:02X}")),
            }
        }
        if out.len().saturating_add(encoded.len()) > LONGEST {
            break;
        }
        out.push_str(&encoded);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_encoded_and_never_too_long() {
        assert_eq!(encode("edge-1.b_c~d"), "edge-1.b_c~d");
        assert_eq!(encode("a b/ä\r\n"), "a%20b%2F%C3%A4%0D%0A");
        assert_eq!(encode(&"x".repeat(300)).len(), 256);
        assert_eq!(encode(&"ä".repeat(300)).len(), 252, "no character is cut in two");
    }

    #[test]
    fn only_what_is_known_is_told() {
        let names = |report: Report<'_>| {
            report.headers().into_iter().map(|(name, _)| name).collect::<Vec<_>>()
        };
        let nothing = Report { node: None, active: None, error: None };
        assert_eq!(names(nothing), ["x-cedarkey-filter"]);
        let all = Report { node: Some("a"), active: Some((7, 1_800_000_000)), error: Some("x") };
        assert_eq!(
            all.headers().into_iter().map(|(_, value)| value).collect::<Vec<_>>(),
            [env!("CARGO_PKG_VERSION"), "a", "7;since=1800000000", "x"]
        );
    }
}
