//! Finding the key that a request carries.

use crate::config::Location;
use crate::headers::Headers;
use cedarkey_engine::http::{cookie, query};
use cedarkey_engine::token::Token;
use std::borrow::Cow;

/// The key of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential<'a> {
    /// There is none.
    Missing,
    /// There is one.
    Presented(Cow<'a, str>),
    /// It cannot be told which it is.
    Unclear,
}

const SCHEME: &str = "bearer ";

/// The key at the first place that has one.
///
/// It is unclear where that place has several values, or one that is not text, and where another
/// place has another key: what else is in an `Authorization` header, say, does not matter, but two
/// keys do, for their owners might be held to answer for each other.
pub fn find<'a>(places: &[Location], headers: &'a Headers) -> Credential<'a> {
    let mut found: Option<Cow<'a, str>> = None;
    for place in places {
        let mut first = None;
        let mut unclear = false;
        each(place, headers, &mut |value| match &found {
            None if first.is_none() => first = Some(value),
            None => unclear = true,
            Some(key) => {
                let is_other = |value: Cow<'_, str>| value != *key && Token::parse(&value).is_ok();
                unclear |= value.is_some_and(is_other);
            }
        });
        match first {
            _ if unclear => return Credential::Unclear,
            None => {}
            Some(None) => return Credential::Unclear,
            Some(Some(value)) => found = Some(value).filter(|value| !value.is_empty()),
        }
    }
    found.map_or(Credential::Missing, Credential::Presented)
}

/// Hands on all keys at a place; `None` for one that is not text.
fn each<'a>(place: &Location, headers: &'a Headers, see: &mut dyn FnMut(Option<Cow<'a, str>>)) {
    match place {
        Location::Header(name) => headers.all(name).for_each(|value| {
            see(text(value).map(|value| Cow::Borrowed(value.trim_ascii())));
        }),
        Location::Bearer => headers.all("authorization").for_each(|value| match text(value) {
            None => see(None),
            Some(value) => bearer(value).into_iter().for_each(|key| see(Some(Cow::Borrowed(key)))),
        }),
        Location::Query(name) => {
            let queries = headers.texts(":path").filter_map(|target| target.split_once('?'));
            queries.for_each(|(_, raw)| in_query(name, raw, see));
        }
        Location::Cookie(name) => {
            headers.texts("cookie").for_each(|header| in_cookies(name, header, see));
        }
    }
}

// Apart, as most requests come to neither of them.

#[inline(never)]
fn in_query<'a>(name: &str, raw: &'a str, see: &mut dyn FnMut(Option<Cow<'a, str>>)) {
    query::values(raw, name).for_each(see);
}

#[inline(never)]
fn in_cookies<'a>(name: &str, header: &'a str, see: &mut dyn FnMut(Option<Cow<'a, str>>)) {
    cookie::values(header, name).for_each(|value| see(Some(Cow::Borrowed(value))));
}

/// The token of an `Authorization` header of the Bearer scheme (RFC 6750, section 2.1).
pub fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_at_checked(SCHEME.len())?;
    scheme.eq_ignore_ascii_case(SCHEME).then(|| token.trim_ascii())
}

fn text(value: &[u8]) -> Option<&str> {
    core::str::from_utf8(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find_in(headers: &[(&str, &str)]) -> Credential<'static> {
        let places = [
            Location::Header("x-api-key".into()),
            Location::Bearer,
            Location::Query("api_key".into()),
            Location::Cookie("key".into()),
        ];
        match find(&places, &headers.iter().copied().collect()) {
            Credential::Missing => Credential::Missing,
            Credential::Presented(key) => Credential::Presented(key.into_owned().into()),
            Credential::Unclear => Credential::Unclear,
        }
    }

    fn presented(text: &str) -> Credential<'_> {
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
        let headers = [("x-api-key", [0xff])].into_iter().collect();
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
