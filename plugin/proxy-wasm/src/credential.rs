//! Finding the key that a request carries.

use crate::config::Location;
use crate::host::Header;
use cedarkey_engine::http::{cookie, query};
use cedarkey_engine::token::Token;

/// The key of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// There is none.
    Missing,
    /// There is one.
    Presented(String),
    /// It cannot be told which it is.
    Unclear,
}

const SCHEME: &str = "bearer ";

/// The key at the first place that has one.
///
/// It is unclear where that place has several values, or one that is not text, and where another
/// place has another key: what else is in an `Authorization` header, say, does not matter, but two
/// keys do, for their owners might be held to answer for each other.
pub fn find(places: &[Location], headers: &[Header]) -> Credential {
    let mut found: Option<String> = None;
    for place in places {
        let mut values = values(place, headers);
        match &found {
            None => match (values.pop(), values.is_empty()) {
                (None, _) => {}
                (Some(Some(value)), true) => found = Some(value).filter(|value| !value.is_empty()),
                _ => return Credential::Unclear,
            },
            Some(key) => {
                let is_other = |value: &String| value != key && Token::parse(value).is_ok();
                if values.iter().flatten().any(is_other) {
                    return Credential::Unclear;
                }
            }
        }
    }
    found.map_or(Credential::Missing, Credential::Presented)
}

/// All keys at a place; `None` for one that is not text.
pub fn values(place: &Location, headers: &[Header]) -> Vec<Option<String>> {
    match place {
        Location::Header(name) => {
            let value = |value: &[u8]| text(value).map(|value| value.trim().to_owned());
            all(headers, name).map(value).collect()
        }
        Location::Bearer => all(headers, "authorization")
            .filter_map(|value| match text(value) {
                None => Some(None),
                Some(value) => bearer(value).map(|token| Some(token.to_owned())),
            })
            .collect(),
        Location::Query(name) => {
            let targets = texts(headers, ":path");
            let queries = targets.filter_map(|target| target.split_once('?'));
            let values = queries.flat_map(|(_, raw)| query::values(raw, name));
            values.map(|value| value.map(|value| value.into_owned())).collect()
        }
        Location::Cookie(name) => texts(headers, "cookie")
            .flat_map(|header| cookie::values(header, name))
            .map(|value| Some(value.to_owned()))
            .collect(),
    }
}

/// The token of an `Authorization` header of the Bearer scheme (RFC 6750, section 2.1).
pub fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_at_checked(SCHEME.len())?;
    scheme.eq_ignore_ascii_case(SCHEME).then(|| token.trim())
}

/// The values of a header.
pub fn all<'a>(headers: &'a [Header], name: &str) -> impl Iterator<Item = &'a [u8]> {
    headers.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.as_slice())
}

/// The values of a header that are text.
pub fn texts<'a>(headers: &'a [Header], name: &str) -> impl Iterator<Item = &'a str> {
    all(headers, name).filter_map(text)
}

/// The value of a header that occurs once, as text.
pub fn one<'a>(headers: &'a [Header], name: &str) -> Option<&'a str> {
    let mut values = all(headers, name);
    let value = values.next()?;
    if values.next().is_some() { None } else { text(value) }
}

fn text(value: &[u8]) -> Option<&str> {
    core::str::from_utf8(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find_in(headers: &[(&str, &str)]) -> Credential {
        let places = [
            Location::Header("x-api-key".into()),
            Location::Bearer,
            Location::Query("api_key".into()),
            Location::Cookie("key".into()),
        ];
        let headers: Vec<_> =
            headers.iter().map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec())).collect();
        find(&places, &headers)
    }

    fn presented(text: &str) -> Credential {
        Credential::Presented(text.into())
    }

    #[test]
    fn a_key_is_found_wherever_it_may_be() {
        assert_eq!(find_in(&[("x-api-key", " k ")]), presented("k"));
        assert_eq!(find_in(&[("authorization", "bEaReR k")]), presented("k"));
        assert_eq!(find_in(&[(":path", "/a?b=c&api%5Fkey=k")]), presented("k"));
        assert_eq!(find_in(&[("cookie", "a=b; key=k")]), presented("k"));
        assert_eq!(find_in(&[("authorization", "Basic k"), (":path", "/a")]), Credential::Missing);
    }

    #[test]
    fn the_first_place_that_has_one_counts() {
        assert_eq!(find_in(&[("authorization", "Bearer jwt"), ("x-api-key", "k")]), presented("k"));
        assert_eq!(find_in(&[("cookie", "key=c"), ("authorization", "Bearer b")]), presented("b"));
        assert_eq!(find_in(&[("x-api-key", " "), ("authorization", "Bearer b")]), presented("b"));
        assert_eq!(find_in(&[("x-api-key", "")]), Credential::Missing);
    }

    #[test]
    fn two_keys_at_one_place_are_unclear() {
        assert_eq!(find_in(&[("x-api-key", "a"), ("x-api-key", "a")]), Credential::Unclear);
        assert_eq!(find_in(&[("x-api-key", ""), ("x-api-key", "a")]), Credential::Unclear);
        assert_eq!(find_in(&[(":path", "/?api_key=a&api_key=b")]), Credential::Unclear);
        assert_eq!(find_in(&[("cookie", "key=a; key=b")]), Credential::Unclear);
        assert_eq!(find_in(&[("cookie", "key=a"), ("cookie", "key=b")]), Credential::Unclear);
        let twice = [("authorization", "Bearer a"), ("authorization", "Bearer a")];
        assert_eq!(find_in(&twice), Credential::Unclear);
    }

    #[test]
    fn what_is_not_text_is_unclear() {
        let headers = [("x-api-key".to_owned(), vec![0xff])];
        assert_eq!(find(&[Location::Header("x-api-key".into())], &headers), Credential::Unclear);
        assert_eq!(find_in(&[(":path", "/?api_key=%ff")]), Credential::Unclear);
    }

    #[test]
    fn another_key_at_another_place_is_unclear() {
        let mut bytes = (0_u8..=255).cycle();
        let mut mint =
            || cedarkey_engine::token::mint("ck", "test", || bytes.next().unwrap_or_default());
        let (one, other) = (mint().unwrap(), mint().unwrap());
        let bearer = format!("Bearer {one}");
        let same = [("x-api-key", one.as_str()), ("authorization", &bearer)];
        assert_eq!(find_in(&same), presented(&one));
        let different = [("x-api-key", other.as_str()), ("authorization", &bearer)];
        assert_eq!(find_in(&different), Credential::Unclear);
        let foreign = [("x-api-key", "k"), ("authorization", &bearer)];
        assert_eq!(find_in(&foreign), Credential::Unclear);
    }
}
