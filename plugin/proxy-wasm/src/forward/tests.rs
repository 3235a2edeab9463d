//! What the upstream gets, and what it does not.

use super::*;

const KEY: &str = "k";

/// What is changed, with names that can be compared.
fn changes(places: &[Location], headers: &[(&str, &str)]) -> Vec<(String, Option<String>)> {
    stripped(KEY, places, &headers.iter().copied().collect())
}

fn stripped(key: &str, places: &[Location], headers: &Headers) -> Vec<(String, Option<String>)> {
    let mut changes = Vec::new();
    let target = headers.one(":path").unwrap_or_default();
    strip(key, target, places, headers, &mut |change| {
        changes.push(match change {
            Change::Remove(name) => (String::from_utf8_lossy(name).into_owned(), None),
            Change::Keep(name, values) => {
                let name = String::from_utf8_lossy(name).into_owned();
                (name, Some(String::from_utf8(values.join(&b'|')).unwrap()))
            }
            Change::Set(name, value) => (name.into(), Some(value)),
        });
    });
    changes
}

fn remove(name: &str) -> (String, Option<String>) {
    (name.into(), None)
}

fn set(name: &str, value: &str) -> (String, Option<String>) {
    (name.into(), Some(value.into()))
}

#[test]
fn a_key_is_removed_from_its_header() {
    let places = [Location::Header("x-api-key".into())];
    assert_eq!(changes(&places, &[("x-api-key", "k"), ("x", "kk")]), [remove("x-api-key")]);
    let twice = [("x-api-key", "k"), ("x", "k"), ("x-api-key", "k"), ("x", "y")];
    assert_eq!(changes(&places, &twice), [set("x", "y"), remove("x-api-key")], "one change each");
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
        set("cookie", "c=3; d=4"),
        set(":path", "/v1?x=%20&y"),
    ];
    assert_eq!(changes(&places, &headers), expected);
}

#[test]
fn what_has_no_key_stays_byte_for_byte() {
    let places = [Location::Query("k".into()), Location::Cookie("k".into())];
    assert_eq!(changes(&places, &[(":path", "/a?b=%2f&&c"), ("cookie", "a=1;b=2;;")]), []);
    assert_eq!(changes(&places, &[(":path", "/a?k=1")]), [set(":path", "/a")]);
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
        let places = [Location::Bearer, Location::Cookie("key".into())];
        stripped(&key, &places, &[(name, value)].into_iter().collect())
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
    assert_eq!(
        in_header("referer", &format!("http://h/?k={key}")),
        [set("referer", "http://h/?k=-")]
    );
    assert_eq!(in_header("x_api_key", &key), [remove("x_api_key")]);
    assert_eq!(in_header("cookie", &format!("a=1, key={key}")), [remove("cookie")]);
    let path = in_header(":path", &format!("/a?b=1;k={key}&c=2"));
    assert_eq!(path, [set(":path", "/a?c=2")]);

    let cookie = [b"a=\xff; key=".as_slice(), key.as_bytes()].concat();
    let headers = [("cookie", cookie)].into_iter().collect();
    let rest = set("cookie", "a=\u{fffd}");
    let places = [Location::Cookie("key".into())];
    assert_eq!(stripped(&key, &places, &headers), [remove("cookie"), rest]);
}

#[test]
fn trailers_are_no_way_around_headers() {
    let places = [Location::Header("x-api-key".into())];
    for name in ["x-cedarkey-owner", "x_cedarkey_owner", "x-api-key", "authorization", "cookie"] {
        assert!(is_unwelcome((name.as_bytes(), b""), &places), "{name}");
    }
    assert!(is_unwelcome((b"x-debug", format!("k={}", token()).as_bytes()), &places));
    assert!(!is_unwelcome((b"grpc-status", b"0"), &places));
    assert!(!is_unwelcome((b"x-checksum", b"ck_test_1"), &places));
}

fn token() -> String {
    let mut bytes = (0_u8..=255).cycle();
    cedarkey_engine::token::mint("ck", "test", || bytes.next().unwrap_or_default()).unwrap()
}

#[test]
fn an_owner_cannot_end_its_header() {
    assert_eq!(header_value("a\r\nx-admin: 1\u{7f}é"), "a  x-admin: 1 é");
}

#[test]
fn a_denied_request_is_logged_without_anything_that_looks_like_a_key() {
    let token = cedarkey_engine::token::mint("ck", "test", || 7).unwrap();
    let escaped = token.replace('_', "%5F");
    let places = [Location::Query("api_key".into())];
    let shown = |target: &str| {
        let key = "foreign-key-of-another-system";
        concealed(key, target, &places).unwrap_or_else(|| target.to_owned())
    };
    for (query, kept) in [
        ("a=1&b", "?a=1&b"),
        ("", "?"),
        ("api_key=x", ""),
        ("a=1&k=TOKEN", "?a=1"),
        ("a=1;api_key=TOKEN&b=2", "?b=2"),
        ("API_KEY=ESCAPED&b=%zz", "?b=%zz"),
        ("%zz=TOKEN", ""),
        ("k=foreign%2Dkey-of-another-system", ""),
    ] {
        let target = format!("/v1/x?{query}").replace("TOKEN", &token).replace("ESCAPED", &escaped);
        assert_eq!(shown(&target), format!("/v1/x{kept}"), "{query}");
    }
    assert_eq!(shown(&format!("/v1/{token}/x?a")), "/v1/-/x?a");
    assert_eq!(shown(&format!("/{escaped}")), "/-");
    // Whatever it is glued to, and however often it is escaped.
    for glued in [
        format!("order{token}"),
        format!("{token}x"),
        format!("key_{token}"),
        format!("{token}_1"),
        format!("%zz{escaped}"),
        escaped.replace('%', "%25"),
        escaped.replace('%', "%2525"),
    ] {
        assert_eq!(shown(&format!("/v1/{glued}/x?a={glued}&b")), "/v1/-/x?b", "{glued}");
    }
    for same in ["", "/", "//", "/a//b/", "*", "http://h/a"] {
        assert_eq!(concealed("", same, &places), None, "{same}");
    }
}

#[test]
fn the_key_is_taken_out_of_a_query_that_writes_it_otherwise() {
    let key = "ck_test_0123456789abcdef";
    let headers = [(":path", "/x?a=1&k=%63k_test_0123456789abcdef")].into_iter().collect();
    assert_eq!(stripped(key, &[], &headers), [set(":path", "/x?a=1")]);
    let headers = [(":path", "/x?")].into_iter().collect();
    assert_eq!(stripped(key, &[], &headers), []);
}

#[test]
fn a_header_that_holds_more_than_the_key_keeps_the_rest() {
    let key = "ck_test_0123456789abcdef";
    let kept = |values: &[&str]| {
        let headers = values.iter().map(|value| ("x-forwarded-for", *value)).collect();
        stripped(key, &[], &headers)
    };
    let here = |text: &str| text.replace("KEY", key);
    assert_eq!(
        kept(&[&here("10.0.0.1 KEY,192.0.2.2")]),
        [set("x-forwarded-for", "10.0.0.1 -,192.0.2.2")]
    );
    assert_eq!(kept(&["10.0.0.1", key]), [set("x-forwarded-for", "10.0.0.1")]);
    assert_eq!(kept(&[&here("KEYKEY"), "a"]), [set("x-forwarded-for", "--|a")]);
    assert_eq!(kept(&[key]), [remove("x-forwarded-for")]);
}

#[test]
fn what_looks_like_a_token_is_one_wherever_it_is_denied() {
    let body = "a".repeat(BODY_LEN);
    for is in [format!("c_e_{body}"), format!("X-c_e1_{body}{body}_"), format!("__c_e_{body}é")] {
        assert!(has_form(&is), "{is}");
    }
    let short = body.get(1..).unwrap();
    for is_not in
        [format!("c_e_{short}"), format!("C_e_{body}"), format!("c_E_{body}"), body.clone()]
    {
        assert!(!has_form(&is_not), "{is_not}");
    }
}
