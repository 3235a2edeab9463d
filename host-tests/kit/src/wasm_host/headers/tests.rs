use super::*;

/// The example of the SDK's own tests.
const ENCODED: &[u8] = b"\x02\0\0\0\
    \x07\0\0\0\x03\0\0\0\
    \x05\0\0\0\x08\0\0\0\
    :method\0GET\0\
    :path\0/bytes/1\0";

fn example() -> Headers {
    Headers::new().with(":method", "GET").with(":path", "/bytes/1")
}

#[test]
fn both_ways() {
    assert_eq!(example().encode(), ENCODED);
    assert_eq!(Headers::decode(ENCODED).unwrap(), example());
    let raw = Headers::new().with("a", b"\0\xff\0").with("a", "").with("b", "1");
    assert_eq!(Headers::decode(&raw.encode()).unwrap(), raw);
    assert_eq!(Headers::decode(&[0; 4]).unwrap(), Headers::new());
    assert_eq!(Headers::decode(&[]).unwrap(), Headers::new());
}

#[test]
fn malformed_bytes_are_refused() {
    for length in 1..ENCODED.len() {
        let cut = Headers::decode(&ENCODED[..length]);
        assert_eq!(cut, Err(Status::ParseFailure), "cut after {length} bytes");
    }
    let longer = [ENCODED, b"x"].concat();
    assert_eq!(Headers::decode(&longer), Err(Status::ParseFailure), "bytes after the end");
    let huge = [&u32::MAX.to_le_bytes()[..], &[0; 16]].concat();
    assert_eq!(Headers::decode(&huge), Err(Status::ParseFailure), "more pairs than bytes");
}

#[test]
fn names_have_no_case_and_values_keep_their_order() {
    let mut headers = Headers::new().with("X-A", "1").with("b", "2").with("x-a", "3");
    assert_eq!(headers.get("X-a"), Some(&b"1"[..]));
    headers.replace("X-A", "4");
    let all: Vec<_> = headers.iter().collect();
    assert_eq!(all, [(&b"b"[..], &b"2"[..]), (b"x-a", b"4")]);
    headers.remove("B");
    assert_eq!(headers.text("b"), None);
    assert_eq!(headers.len(), 1);
}
