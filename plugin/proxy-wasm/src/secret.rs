//! What this VM knows and nobody else does.

use siphasher::sip128::{Hash128, SipHasher24};
use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};

/// A secret, and 128 bits that it makes of any bytes (SipHash-2-4 of J.-P. Aumasson and D. J.
/// Bernstein). Who does not know the secret cannot tell what becomes of which bytes, nor find others
/// of which the same becomes.
pub struct Secret(SipHasher24);

/// What a secret makes of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag(pub [u64; 2]);

/// A number at random: what seeds hash maps is the one source of randomness that std has.
pub fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

// === impl Secret ===

impl Default for Secret {
    fn default() -> Self {
        Self(SipHasher24::new_with_keys(random(), random()))
    }
}

impl Secret {
    /// What it makes of these bytes.
    #[inline(never)]
    pub fn tag(&self, bytes: &[u8]) -> Tag {
        let Hash128 { h1, h2 } = self.0.hash(bytes);
        Tag([h1, h2])
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_makes_what_the_reference_does() {
        let bytes: [u8; 15] = std::array::from_fn(|at| at as u8);
        let half = |from: u8| u64::from_le_bytes(std::array::from_fn(|at| from + at as u8));
        let secret = Secret(SipHasher24::new_with_keys(half(0), half(8)));
        // `vectors_sip128` of the reference implementation, for no bytes and for 15.
        assert_eq!(secret.tag(&[]), Tag([0xe6a8_25ba_047f_81a3, 0x9302_55c7_1472_f66d]));
        assert_eq!(secret.tag(&bytes), Tag([0x11a8_b033_99e9_9354, 0xd9c3_cf97_0fec_087e]));
    }

    #[test]
    fn no_two_make_the_same() {
        let tags = [(); 3].map(|()| Secret::default().tag(b"token").0);
        let mut halves: Vec<_> = tags.into_iter().flatten().collect();
        halves.sort_unstable();
        halves.dedup();
        assert_eq!(halves.len(), 6);
    }
}
