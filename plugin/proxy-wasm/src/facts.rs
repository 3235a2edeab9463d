//! What the gate asks the proxy.

use crate::headers::Headers;
use crate::host;
use cedarkey_engine::ext::ip::IpNet;
use cedarkey_engine::gate::{Claim, Host};
use cedarkey_engine::model::ClaimKind;
use core::net::{IpAddr, SocketAddr};

/// The request in hand.
pub struct Facts<'a> {
    /// Its headers.
    pub headers: &'a Headers,
    /// When it came, in milliseconds.
    pub now: i64,
    /// The latest instant that was ever the present one.
    pub latest: i64,
    /// Where it came from, once that was asked for and is known.
    pub source: Option<IpNet>,
}

/// Where Envoy's `jwt_authn` filter puts the claims of a verified token, with
/// `payload_in_metadata: payload`.
const CLAIMS: [&str; 4] =
    ["metadata", "filter_metadata", "envoy.filters.http.jwt_authn", "payload"];

impl Host for Facts<'_> {
    fn now(&mut self) -> i64 {
        self.now
    }

    fn latest(&mut self, _: i64) -> i64 {
        self.latest
    }

    fn header(&mut self, name: &str) -> Option<String> {
        let mut joined: Option<String> = None;
        for value in self.headers.all(name) {
            // What is not text stays there all the same: a policy may ask whether it is there.
            let value = &*String::from_utf8_lossy(value);
            match &mut joined {
                None => joined = Some(value.to_owned()),
                // RFC 9110, section 5.3.
                Some(joined) => {
                    joined.push_str(", ");
                    joined.push_str(value);
                }
            }
        }
        joined
    }

    fn source_ip(&mut self) -> Option<IpNet> {
        let address = text(host::property(vec!["source", "address"])?)?;
        self.source = parse_address(&address).map(IpNet::from);
        self.source
    }

    fn tls_peer(&mut self) -> Option<String> {
        present(text(host::property(vec!["connection", "uri_san_peer_certificate"])?)?)
    }

    fn tls_subject(&mut self) -> Option<String> {
        present(text(host::property(vec!["connection", "subject_peer_certificate"])?)?)
    }

    fn claim(&mut self, name: &str, kind: ClaimKind) -> Option<Claim> {
        let mut path = CLAIMS.to_vec();
        path.push(name);
        claim(host::property(path)?, kind)
    }
}

/// Claims that are integers lie between this and its negative. Their doubles end in a zero byte,
/// as no text does.
const LONGS: f64 = 35_184_372_088_832.0;

/// Reads a claim in the form in which the proxy gives values of that kind: text as it is, numbers
/// as an IEEE 754 double and booleans as one byte.
///
/// The proxy does not say which kind it was. So that no text that somebody chose for a claim is
/// taken for a number, nor the other way round, text has no control characters, and numbers are
/// not so large that they might look like text.
fn claim(bytes: Vec<u8>, kind: ClaimKind) -> Option<Claim> {
    match kind {
        ClaimKind::String => {
            let text = text(bytes).filter(|text| !text.contains(char::is_control));
            text.map(Claim::String)
        }
        ClaimKind::Bool => match bytes.as_slice() {
            [value @ (0 | 1)] => Some(Claim::Bool(*value == 1)),
            _ => None,
        },
        ClaimKind::Long => {
            let number = f64::from_le_bytes(bytes.try_into().ok()?);
            let exact = number.fract() == 0.0 && number.abs() < LONGS;
            exact.then_some(Claim::Long(number as i64))
        }
    }
}

/// An address with or without a port. One of IPv4 that is written as IPv6, as a socket for both
/// sees it, is of IPv4: else no policy about IPv4 networks would hold.
fn parse_address(text: &str) -> Option<IpAddr> {
    let address = text.parse::<SocketAddr>().map(|address| address.ip());
    address.or_else(|_| text.parse()).ok().map(|address| address.to_canonical())
}

fn text(bytes: Vec<u8>) -> Option<String> {
    String::from_utf8(bytes).ok()
}

fn present(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_is_not_text_is_still_there() {
        let headers = [("x-debug", b"1"), ("x-debug", b"\xff")].into_iter().collect();
        let mut facts = Facts { headers: &headers, now: 0, latest: 0, source: None };
        assert_eq!(facts.header("x-debug").as_deref(), Some("1, \u{fffd}"));
        assert_eq!(facts.header("x-other"), None);
    }

    #[test]
    fn addresses_are_read_with_and_without_port() {
        let ip = |text: &str| text.parse::<IpAddr>().ok();
        assert_eq!(parse_address("10.0.0.1:80"), ip("10.0.0.1"));
        assert_eq!(parse_address("[2001:db8::1]:80"), ip("2001:db8::1"));
        assert_eq!(parse_address("::1"), ip("::1"));
        assert_eq!(parse_address("[::ffff:10.0.0.1]:80"), ip("10.0.0.1"));
        assert_eq!(parse_address("/tmp/socket"), None);
    }

    #[test]
    fn claims_are_read_by_kind_and_not_otherwise() {
        let long = |number: f64| claim(number.to_le_bytes().to_vec(), ClaimKind::Long);
        assert_eq!(long(7.0), Some(Claim::Long(7)));
        assert_eq!(long(7.5), None);
        assert_eq!(long(1e300), None);
        assert_eq!(long(f64::NAN), None);
        assert_eq!(claim(vec![1], ClaimKind::Bool), Some(Claim::Bool(true)));
        assert_eq!(claim(vec![2], ClaimKind::Bool), None);
        assert_eq!(claim(vec![0xff], ClaimKind::String), None);
        assert_eq!(claim(b"7".to_vec(), ClaimKind::Long), None);
        assert_eq!(long(1e13), Some(Claim::Long(10_000_000_000_000)));
        assert_eq!(claim(b"abcdef0C".to_vec(), ClaimKind::Long), None);
        assert_eq!(claim(7.0_f64.to_le_bytes().to_vec(), ClaimKind::String), None);
        assert_eq!(
            claim(b"abcdef0C".to_vec(), ClaimKind::String),
            Some(Claim::String("abcdef0C".into()))
        );
    }
}
