//! `ipaddr`: an IPv4 or IPv6 address with a prefix length.

use super::ExtError;
use core::net::IpAddr;
use serde::{Deserialize, Serialize};

/// The longest text that is read: a full IPv6 address with a prefix length of three digits.
const MAX_LEN: usize = 43;

/// An address or range. Two are equal if address and prefix length are, whatever bits lie beyond
/// the prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IpNet {
    /// The address, most significant byte first; IPv4 in the first four bytes, the rest zero.
    pub bits: [u8; 16],
    /// The number of leading bits that are fixed.
    pub prefix: u8,
    /// Whether it is IPv6.
    pub v6: bool,
}

/// Reads an address (`10.0.0.1`) or range (`10.0.0.0/8`).
///
/// # Errors
///
/// Where it is neither, or writes an IPv4 address within an IPv6 address.
pub fn parse(text: &str) -> Result<IpNet, ExtError> {
    let twice = |byte| text.bytes().filter(|other| *other == byte).count() >= 2;
    if text.len() > MAX_LEN || (twice(b':') && twice(b'.')) {
        return Err(ExtError::Form);
    }
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let net = IpNet::from(address.parse::<IpAddr>().map_err(|_| ExtError::Form)?);
    prefix.map_or(Ok(net), |prefix| Ok(IpNet { prefix: parse_prefix(prefix, net.width())?, ..net }))
}

/// A plain number without leading zeros.
fn parse_prefix(text: &str, most: u8) -> Result<u8, ExtError> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() <= 3;
    let leading_zero = text.len() > 1 && text.starts_with('0');
    let prefix = text.parse().ok().filter(|prefix| plain && !leading_zero && *prefix <= most);
    prefix.ok_or(ExtError::Form)
}

// === impl IpNet ===

impl IpNet {
    /// Whether it is in its one proper form: a prefix that is not too long, no bits past IPv4's.
    pub fn is_valid(&self) -> bool {
        let [_, _, _, _, rest @ ..] = self.bits;
        self.prefix <= self.width() && (self.v6 || rest == [0; 12])
    }

    /// `isIpv4`
    pub fn is_ipv4(&self) -> bool {
        !self.v6
    }

    /// `isIpv6`
    pub fn is_ipv6(&self) -> bool {
        self.v6
    }

    /// `isLoopback`: all of it within `127.0.0.0/8`, or `::1` itself.
    pub fn is_loopback(&self) -> bool {
        let [first, ..] = self.bits;
        if self.v6 {
            u128::from_be_bytes(self.bits) == 1 && self.prefix >= 128
        } else {
            first == 127 && self.prefix >= 8
        }
    }

    /// `isMulticast`: all of it within `224.0.0.0/4` or `ff00::/8`.
    pub fn is_multicast(&self) -> bool {
        let [first, ..] = self.bits;
        if self.v6 {
            first == 0xff && self.prefix >= 8
        } else {
            first & 0xf0 == 0xe0 && self.prefix >= 4
        }
    }

    /// `isInRange`: all of it within `range`. Never across versions.
    pub fn is_in_range(&self, range: &Self) -> bool {
        let shift = 128_u32.saturating_sub(u32::from(range.prefix));
        let fixed = |net: &Self| u128::from_be_bytes(net.bits).checked_shr(shift).unwrap_or(0);
        self.v6 == range.v6 && self.prefix >= range.prefix && fixed(self) == fixed(range)
    }

    const fn width(&self) -> u8 {
        if self.v6 { 128 } else { 32 }
    }
}

impl From<IpAddr> for IpNet {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => {
                let [a, b, c, d] = address.octets();
                let mut bits = [0; 16];
                if let Some(start) = bits.first_chunk_mut() {
                    *start = [a, b, c, d];
                }
                Self { bits, prefix: 32, v6: false }
            }
            IpAddr::V6(address) => Self { bits: address.octets(), prefix: 128, v6: true },
        }
    }
}
