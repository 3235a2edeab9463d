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
    assert_eq!(changes(&places, &[("x-api-key", "k"), ("x", "kk")]), [remove("x-api-key")]);
    assert_eq!(changes(&places, &[("x", "kk")]), [], "what is short may stand there by chance");
}

#[test]
fn a_bearer_token_stays_if_it_is_no_key() {
    let other = token();
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
        ("x.cedarkey.owner", "me"),
        ("x-cedarkeys", "1"),
    ];
    let expected = [
        remove("x-cedarkey-owner"),
        remove("x_cedarkey_key_id"),
        remove("x-cedarkey-anything"),
        remove("x.cedarkey.owner"),
    ];
    assert_eq!(changes(&[], &headers), expected);
}

#[test]
fn a_key_is_removed_from_wherever_it_stands() {
    let key = token();
    let in_header = |name: &str, value: &str| {
        let headers = [(name.to_owned(), value.as_bytes().to_vec())];
        strip(&key, &[Location::Bearer, Location::Cookie("key".into())], &headers)
    };
    let other = token().replace("test", "live");
    for value in [
        // What the proxy makes of two headers.
        format!("Bearer {key},Basic {key}"),
        format!("Bearer\t{key}"),
        format!("ApiKey {key}"),
        format!("Basic x, Bearer {key}"),
        key.clone(),
    ] {
        assert_eq!(in_header("authorization", &value), [remove("authorization")], "{value}");
    }
    assert_eq!(in_header("authorization", &format!("Bearer {other}x, y")), []);
    assert_eq!(in_header("referer", &format!("http://h/?k={key}")), [remove("referer")]);
    assert_eq!(in_header("x_api_key", &key), [remove("x_api_key")]);
    assert_eq!(in_header("cookie", &format!("a=1, key={key}")), [remove("cookie")]);
    let path = in_header(":path", &format!("/a?b=1;k={key}&c=2"));
    assert_eq!(path, [Change::Set(":path", "/a?c=2".into())]);

    let cookie = [b"a=\xff; key=".as_slice(), key.as_bytes()].concat();
    let headers = [("cookie".to_owned(), cookie)];
    let rest = Change::Set("cookie", "a=\u{fffd}".into());
    let places = [Location::Cookie("key".into())];
    assert_eq!(strip(&key, &places, &headers), [remove("cookie"), rest]);
}

#[test]
fn trailers_are_no_way_around_headers() {
    let places = [Location::Header("x-api-key".into())];
    for name in ["x-cedarkey-owner", "x_cedarkey_owner", "x-api-key", "authorization", "cookie"] {
        assert!(is_unwelcome(name, &places), "{name}");
    }
    assert!(!is_unwelcome("grpc-status", &places) && !is_unwelcome("x-checksum", &places));
}

fn token() -> String {
    let mut bytes = (0_u8..=255).cycle();
    cedarkey_engine::token::mint("ck", "test", || bytes.next().unwrap_or_default()).unwrap()
}

#[test]
fn an_owner_cannot_end_its_header() {
    assert_eq!(header_value("a\r\nx-admin: 1\u{7f}é"), "a  x-admin: 1 é");
}
