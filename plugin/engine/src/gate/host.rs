//! The port to the host: where facts come from that the request line does not hold.

use crate::ext::ip::IpNet;
use crate::model::ClaimKind;
use alloc::string::String;

/// What the gate may ask its host. It asks only for what a candidate policy reads.
pub trait Host {
    /// The present instant, in milliseconds since 1970-01-01T00:00:00Z. Asked once a request.
    fn now(&mut self) -> i64;

    /// The latest instant that was ever the present one, of which `now` is one: by it keys expire,
    /// so that a clock that is set back does not bring one back.
    fn latest(&mut self, now: i64) -> i64 {
        now
    }

    /// The value of a request header, by lower-case name; several values joined by a comma.
    fn header(&mut self, name: &str) -> Option<String>;

    /// The address that the request comes from, as far as the host trusts it.
    fn source_ip(&mut self) -> Option<IpNet>;

    /// The URI SAN of the peer's verified certificate.
    fn tls_peer(&mut self) -> Option<String>;

    /// The subject of the peer's verified certificate.
    fn tls_subject(&mut self) -> Option<String>;

    /// A claim of a JWT that the host has verified. `None` also where it is of another kind.
    fn claim(&mut self, name: &str, kind: ClaimKind) -> Option<Claim>;
}

/// The value of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// A boolean.
    Bool(bool),
    /// An integer.
    Long(i64),
    /// A string.
    String(String),
}
