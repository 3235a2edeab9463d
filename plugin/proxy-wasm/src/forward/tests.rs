//! What the upstream gets, and what it does not.

use super::*;

const KEY: &str = "k";

fn changes(places: &[Location], headers: &[(&str, &str)]) -> Vec<Change> {
    let headers: Vec<_> =
        headers.iter().map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec())).collect();
    strip(KEY, places, &headers)
}

fn remove(name: &str) -> Change {
    Change::Remove(name.into())
}

#[test]
fn a_key_is_removed_from_its_header() {
    let places = [Location::Header("x-api-key".into())];
    assert_eq!(changes(&places, &[("x-api-key", "k"), ("x", "k")]), [remove("x-api-key")]);
    assert_eq!(changes(&places, &[("x", "k")]), []);
}

#[test]
fn a_bearer_token_stays_if_it_is_no_key() {
    let mut bytes = (0_u8..=255).cycle();
    let other =
        cedarkey_engine::token::mint("ck", "test", || bytes.next().unwrap_or_default()).unwrap();
    let authorization = |value: &str| changes(&[Location::Bearer], &[("authorization", value)]);
    assert_eq!(authorization("Bearer k"), [remove("authorization")]);
    assert_eq!(authorization(&format!("bearer {other}")), [remove("authorization")]);
    assert_eq!(authorization("Bearer eyJhbGciOiJIUzI1NiJ9.e30.x"), []);
    assert_eq!(authorization("Basic azo="), []);
}

#[test]
fn keys_are_removed_from_every_place_at_once() {
    let places = [
        Location::Header("x-api-key".into()),
        Location::Query("api_key".into()),
        Location::Query("old".into()),
        Location::Cookie("a".into()),
        Location::Cookie("b".into()),
    ];
    let headers = [
        (":path", "/v1?x=%20&api%5Fkey=k&old=1&y"),
        ("x-api-key", "k"),
        ("cookie", "a=1; c=3; b=2"),
        ("cookie", "d=4"),
    ];
    let expected = [
        remove("x-api-key"),
        remove("cookie"),
        Change::Set("cookie", "c=3; d=4".into()),
        Change::Set(":path", "/v1?x=%20&y".into()),
    ];
    assert_eq!(changes(&places, &headers), expected);
}

#[test]
fn what_has_no_key_stays_byte_for_byte() {
    let places = [Location::Query("k".into()), Location::Cookie("k".into())];
    assert_eq!(changes(&places, &[(":path", "/a?b=%2f&&c"), ("cookie", "a=1;b=2;;")]), []);
    assert_eq!(changes(&places, &[(":path", "/a?k=1")]), [Change::Set(":path", "/a".into())]);
    assert_eq!(changes(&places, &[("cookie", "k=1")]), [remove("cookie")]);
}

#[test]
fn nobody_else_says_what_the_filter_says() {
    let headers = [
        ("x-cedarkey-owner", "me"),
        ("x_cedarkey_key_id", "me"),
        ("x-cedarkey-anything", "1"),
        ("x-cedarkeys", "1"),
    ];
    let expected =
        [remove("x-cedarkey-owner"), remove("x_cedarkey_key_id"), remove("x-cedarkey-anything")];
    assert_eq!(changes(&[], &headers), expected);
}

#[test]
fn an_owner_cannot_end_its_header() {
    assert_eq!(header_value("a\r\nx-admin: 1\u{7f}é"), "a  x-admin: 1 é");
}
