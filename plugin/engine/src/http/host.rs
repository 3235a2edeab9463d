//! The host that a request is for.

use alloc::borrow::Cow;

/// The longest host that is looked at, in bytes (RFC 1035, section 2.3.4).
const MAX_HOST: usize = 255;

/// A `Host` or `:authority` that names no host in a form that everybody reads alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request's host is malformed")]
pub struct HostError(());

/// The host of an authority (RFC 3986, section 3.2): in lower case, without port and final dot.
///
/// # Errors
///
/// Where it is empty, has user information, or holds anything but the characters of host names and
/// addresses.
pub fn normalise(authority: &str) -> Result<Cow<'_, str>, HostError> {
    // How long the last label is, whether there are capitals, and where the port begins.
    let (mut label, mut capitals, mut end) = (0_usize, false, authority.len());
    for (at, byte) in authority.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => {}
            b'A'..=b'Z' => capitals = true,
            // An empty label is no part of a name, and `.example.com` must not count as below itself.
            b'.' if label > 0 => {
                label = 0;
                continue;
            }
            b':' => {
                end = at;
                break;
            }
            b'[' if at == 0 => return address(authority),
            _ => return Err(HostError(())),
        }
        label = label.saturating_add(1);
    }
    // Behind a final dot there is nothing.
    let last = if label == 0 { end.saturating_sub(1) } else { end };
    let host = authority.get(..last).unwrap_or_default();
    let port = authority.get(end.saturating_add(1)..).unwrap_or_default();
    if host.is_empty() || host.len() > MAX_HOST || !is_port(port) {
        return Err(HostError(()));
    }
    Ok(if capitals { Cow::Owned(host.to_ascii_lowercase()) } else { Cow::Borrowed(host) })
}

/// The same of an IPv6 address in brackets.
#[cold]
fn address(authority: &str) -> Result<Cow<'_, str>, HostError> {
    let end = authority.find(']').ok_or(HostError(()))?;
    let (host, rest) = authority.split_at_checked(end.saturating_add(1)).ok_or(HostError(()))?;
    let rest = rest.strip_prefix('.').unwrap_or(rest);
    let port = rest.strip_prefix(':').unwrap_or_default();
    let inner = host.get(1..end).unwrap_or_default();
    let proper =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':');
    let ends = rest.is_empty() || rest.starts_with(':');
    if inner.is_empty()
        || host.len() > MAX_HOST
        || !ends
        || !is_port(port)
        || !inner.bytes().all(proper)
    {
        return Err(HostError(()));
    }
    Ok(Cow::Owned(host.to_ascii_lowercase()))
}

fn is_port(text: &str) -> bool {
    text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::normalise;

    #[test]
    fn hosts_are_brought_to_one_form() {
        for (raw, host) in [
            ("api.example.com", "api.example.com"),
            ("API.Example.COM:8443", "api.example.com"),
            ("api.example.com.", "api.example.com"),
            ("api.example.com.:80", "api.example.com"),
            ("127.0.0.1:80", "127.0.0.1"),
            ("[::1]", "[::1]"),
            ("[2001:DB8::1]:443", "[2001:db8::1]"),
            ("localhost:", "localhost"),
        ] {
            assert_eq!(normalise(raw).unwrap(), host, "{raw}");
        }
    }

    #[test]
    fn malformed_hosts_are_refused() {
        for raw in [
            "", ".", ":80", "a@b", "a b", "a/b", "a:b", "a:80:80", "::1", "[::1", "a,b", "é", "[]",
            "a:999999", "a..", ".a", "a..b", ".a.:80", "[[::1]]",
        ] {
            assert!(normalise(raw).is_err(), "{raw}");
        }
        assert!(normalise(&"a".repeat(256)).is_err());
    }
}
