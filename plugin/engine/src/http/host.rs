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
    let host = without_port(authority).ok_or(HostError(()))?;
    let host = host.strip_suffix('.').unwrap_or(host);
    let bracketed = host.starts_with('[') && host.ends_with(']');
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let proper = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'.' | b'_')
            || (bracketed && byte == b':')
    };
    // An empty label is no part of a name, and `.example.com` must not count as below itself.
    let empty_label = !bracketed && host.split('.').any(str::is_empty);
    if inner.is_empty() || empty_label || host.len() > MAX_HOST || !inner.bytes().all(proper) {
        return Err(HostError(()));
    }
    if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Ok(Cow::Owned(host.to_ascii_lowercase()));
    }
    Ok(Cow::Borrowed(host))
}

fn without_port(authority: &str) -> Option<&str> {
    let after_host = authority.rfind(']').map_or(0, |at| at.saturating_add(1));
    let (host, tail) = authority.split_at_checked(after_host)?;
    match tail.split_once(':') {
        None => Some(authority),
        Some((rest, port)) => {
            let proper = port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
            let end = host.len().checked_add(rest.len())?;
            authority.get(..end).filter(|_| proper)
        }
    }
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
