//! Cookies of a `Cookie` header (RFC 6265, section 4.2).

use alloc::string::String;

/// The values of the cookies of a name, without the quotes that may stand around them.
pub fn values<'a>(header: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    header.split(';').filter_map(move |pair| {
        let (key, value) = pair.split_once('=')?;
        (key.trim() == name).then(|| unquote(value.trim()))
    })
}

/// The header without any cookie of a name; the others in their order.
pub fn without(header: &str, name: &str) -> String {
    let mut kept = String::with_capacity(header.len());
    for pair in header.split(';').map(str::trim) {
        let key = pair.split_once('=').map_or(pair, |(key, _)| key.trim());
        if key == name || pair.is_empty() {
            continue;
        }
        if !kept.is_empty() {
            kept.push_str("; ");
        }
        kept.push_str(pair);
    }
    kept
}

fn unquote(value: &str) -> &str {
    let inner = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    inner.unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn cookies_are_found_and_removed() {
        let header = "a=1; key=\"x=y\";key=2; b=3";
        assert_eq!(values(header, "key").collect::<Vec<_>>(), ["x=y", "2"]);
        assert_eq!(without(header, "key"), "a=1; b=3");
        assert_eq!(without("key=1", "key"), "");
        assert_eq!(values("keys=1; KEY=2", "key").count(), 0);
    }
}
