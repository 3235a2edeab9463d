//! Parameters of a query string, as upstreams read them: `application/x-www-form-urlencoded`.

use super::percent_decode;
use alloc::borrow::Cow;
use alloc::string::String;

/// A parameter that occurs more than once, where upstreams differ in which of them counts, or that
/// cannot be decoded. It is the caller's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a parameter of the query can be read in more than one way")]
pub struct AmbiguousError(pub(crate) ());

/// The value of a parameter, if it is there.
///
/// # Errors
///
/// Where it has no value that everybody reads alike.
pub fn single<'a>(query: &'a str, name: &str) -> Result<Option<Cow<'a, str>>, AmbiguousError> {
    let mut values = values(query, name);
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(Some(value)), None) => Ok(Some(value)),
        _ => Err(AmbiguousError(())),
    }
}

/// The values of a parameter; each `None` where it cannot be decoded.
pub fn values<'a>(query: &'a str, name: &str) -> impl Iterator<Item = Option<Cow<'a, str>>> {
    query.split('&').filter_map(move |pair| {
        let (raw, value) = pair.split_once('=').unwrap_or((pair, ""));
        is_name(raw, name).then(|| decode(value))
    })
}

/// The query without any occurrence of a parameter; the rest byte for byte.
pub fn without(query: &str, name: &str) -> String {
    let mut kept = String::with_capacity(query.len());
    for pair in query.split('&') {
        let raw = pair.split_once('=').map_or(pair, |(raw, _)| raw);
        if is_name(raw, name) {
            continue;
        }
        if !kept.is_empty() {
            kept.push('&');
        }
        kept.push_str(pair);
    }
    kept
}

fn is_name(raw: &str, name: &str) -> bool {
    decode(raw).is_some_and(|decoded| decoded == name)
}

fn decode(text: &str) -> Option<Cow<'_, str>> {
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        return percent_decode(&spaced).map(|text| Cow::Owned(text.into_owned()));
    }
    percent_decode(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_found_however_it_is_written() {
        let value = |query| single(query, "api_key").unwrap();
        assert_eq!(value("a=1&api_key=x").unwrap(), "x");
        assert_eq!(value("%61pi_key=a%20b+c").unwrap(), "a b c");
        assert_eq!(value("api_key").unwrap(), "");
        assert_eq!(value(""), None);
        for query in ["api_key=1&api%5fkey=2", "api_key=1&api_key=1", "api_key=%zz", "api_key=%ff"]
        {
            assert!(single(query, "api_key").is_err(), "{query}");
        }
        assert_eq!(values("k=1&k=2", "k").count(), 2);
    }

    #[test]
    fn every_occurrence_is_removed_and_nothing_else() {
        assert_eq!(without("a=1&k=2&b=%2f", "k"), "a=1&b=%2f");
        assert_eq!(without("k=1&%6b=2", "k"), "");
        assert_eq!(without("a=1&&b", "k"), "a=1&&b");
        assert_eq!(without("K=1&kk=2", "k"), "K=1&kk=2");
    }
}
