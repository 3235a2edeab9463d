//! The token a caller presents.
//!
//! ```text
//! ck_production_3kTMd...32 random characters...Q9x0Ab1cD
//! <prefix>_<environment>_<32 base62 characters><6 base62 characters of CRC-32>
//! ```
//!
//! The checksum covers everything before it, so that garbage is refused before any lookup and a
//! scanner can tell a real find offline. It is no secret and no protection: only the random part,
//! of 190 bits, is. Only the SHA-256 of the whole token is ever stored.

use alloc::string::String;
use core::fmt;
use crc::{CRC_32_ISO_HDLC, Crc};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// The longest text that is looked at, in bytes; a foreign token may be as long.
pub const MAX_LEN: usize = 256;

/// Random characters in a token: 32 of 62 give 190.5 bits.
pub const RANDOM_LEN: usize = 32;

/// Characters of the checksum: 62^6 exceeds 2^32.
const CHECKSUM_LEN: usize = 6;

/// The last word of a token, in bytes.
pub const BODY_LEN: usize = RANDOM_LEN + CHECKSUM_LEN;

/// The shortest token, in bytes: a prefix and an environment of one character each.
pub const MIN_LEN: usize = BODY_LEN + 4;

/// The length from which on a key is looked for within other text. What is shorter, of another
/// system, may stand there by chance.
pub const LONG: usize = 16;

/// The longest prefix or environment, in bytes.
const MAX_WORD: usize = 16;

/// The checksum of ISO-HDLC (IEEE 802.3), by a table of 1 KiB.
const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A well-formed token. It says nothing about whether such a key exists.
#[derive(Clone, Copy)]
pub struct Token<'a> {
    /// Which system the key belongs to.
    pub prefix: &'a str,
    /// Which environment it is for.
    pub environment: &'a str,
    text: &'a str,
}

/// SHA-256 of a whole token: all that is ever stored of it.
///
/// Comparing two of them takes the same time wherever they differ.
#[derive(Clone, Copy, Eq)]
pub struct KeyHash(pub [u8; 32]);

/// What is wrong with a token. It is the caller's fault, or that of whoever mangled it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It holds a character that tokens do not.
    #[error("a token consists of letters, digits and `_`")]
    Character,
    /// The checksum does not fit the rest.
    #[error("the token's checksum is wrong: it was mistyped or cut off")]
    Checksum,
    /// It is not prefix, environment and body, joined by `_`.
    #[error("a token has the form `<prefix>_<environment>_<body>`")]
    Form,
    /// The body is not as long as it must be.
    #[error("a token's body has 38 characters")]
    Length,
    /// It is longer than any token.
    #[error("a token has at most 256 characters")]
    TooLong,
    /// The prefix or environment is not a word of 1 to 16 lower-case letters and digits.
    #[error("a token's prefix and environment are 1 to 16 lower-case letters and digits")]
    Word,
}

// === impl Token ===

impl<'a> Token<'a> {
    /// Reads a token. Allocates nothing.
    ///
    /// # Errors
    ///
    /// Where the text is not a token, or its checksum is wrong.
    pub fn parse(text: &'a str) -> Result<Self, TokenError> {
        if text.len() > MAX_LEN {
            return Err(TokenError::TooLong);
        }
        // Where the first two marks between words are, and how many there are.
        let (mut marks, mut count) = ([0_usize; 2], 0_usize);
        for (at, byte) in text.bytes().enumerate() {
            if byte == b'_' {
                marks.get_mut(count).into_iter().for_each(|mark| *mark = at);
                count = count.saturating_add(1);
            } else if !byte.is_ascii_alphanumeric() {
                return Err(TokenError::Character);
            }
        }
        let [first, second] = marks;
        let word = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
        let [prefix, environment, body] = match count {
            0 | 1 => return Err(TokenError::Form),
            _ => [
                word(0, first),
                word(first.saturating_add(1), second),
                word(second.saturating_add(1), text.len()),
            ],
        };
        check_word(prefix)?;
        check_word(environment)?;
        if count > 2 {
            return Err(TokenError::Form);
        }
        let (_, checksum) = body.split_at_checked(RANDOM_LEN).ok_or(TokenError::Length)?;
        if checksum.len() != CHECKSUM_LEN {
            return Err(TokenError::Length);
        }
        let signed = text.strip_suffix(checksum).ok_or(TokenError::Length)?;
        if checksum.as_bytes() != checksum_of(signed) {
            return Err(TokenError::Checksum);
        }
        Ok(Self { prefix, environment, text })
    }

    /// The hash to look it up by.
    pub fn hash(&self) -> KeyHash {
        KeyHash::of(self.text)
    }
}

/// Not the token itself: it is a secret.
impl fmt::Debug for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({}_{}_...)", self.prefix, self.environment)
    }
}

/// Whether a value is this key, or holds it. Where there is no key, none does.
#[inline(never)]
pub fn holds(value: &[u8], key: &str) -> bool {
    let key = key.as_bytes();
    let begins = |part: &[u8]| part.first() == key.first() && part == key;
    let is_in = || key.len() >= LONG && value.windows(key.len()).any(begins);
    !key.is_empty() && (value == key || is_in())
}

/// Makes a token of random bytes, which must be uniform and never used again. Bytes that would
/// favour some characters are passed over, so `random` is asked for as many as it takes.
///
/// # Errors
///
/// Where the prefix or the environment is not a word that a token can hold.
pub fn mint(
    prefix: &str,
    environment: &str,
    mut random: impl FnMut() -> u8,
) -> Result<String, TokenError> {
    check_word(prefix)?;
    check_word(environment)?;
    let mut token = String::with_capacity(MAX_LEN);
    for word in [prefix, environment] {
        token.push_str(word);
        token.push('_');
    }
    for _ in 0..RANDOM_LEN {
        // 248 is the highest multiple of 62 that a byte holds.
        let byte = loop {
            match random() {
                byte @ 0..248 => break byte,
                _ => continue,
            }
        };
        token.push(digit(u32::from(byte)));
    }
    let checksum = checksum_of(&token);
    token.extend(checksum.iter().map(|byte| char::from(*byte)));
    Ok(token)
}

/// Checks a prefix or environment.
///
/// # Errors
///
/// Where it is not 1 to 16 lower-case letters and digits.
pub fn check_word(word: &str) -> Result<(), TokenError> {
    let lower = word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if lower && (1..=MAX_WORD).contains(&word.len()) { Ok(()) } else { Err(TokenError::Word) }
}

fn checksum_of(text: &str) -> [u8; CHECKSUM_LEN] {
    let mut rest = CRC.checksum(text.as_bytes());
    let mut checksum = [0; CHECKSUM_LEN];
    for place in checksum.iter_mut().rev() {
        *place = digit(rest) as u8;
        rest = rest.checked_div(62).unwrap_or_default();
    }
    checksum
}

/// The character of a number's last digit in base 62.
fn digit(number: u32) -> char {
    let at = number.checked_rem(62).unwrap_or_default();
    ALPHABET.get(at as usize).map_or('0', |byte| char::from(*byte))
}

// === impl KeyHash ===

impl KeyHash {
    /// The hash of a token of any form.
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// Reads 64 hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut hash = [0; 32];
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            let [high, low] = pair else { return None };
            let nibble = |digit: &u8| char::from(*digit).to_digit(16);
            *byte = u8::try_from((nibble(high)? << 4) | nibble(low)?).ok()?;
        }
        Some(Self(hash))
    }
}

impl PartialEq for KeyHash {
    fn eq(&self, other: &Self) -> bool {
        let [words, others] = [self, other].map(|hash| hash.0.as_chunks().0.iter());
        let [words, others] = [words, others].map(|words| words.copied().map(u64::from_ne_bytes));
        words.zip(others).fold(Choice::from(1), |same, (a, b)| same & a.ct_eq(&b)).into()
    }
}

/// 64 hexadecimal digits.
impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The first few digits: enough to recognise, too few to look for.
impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "KeyHash({a:02x}{b:02x}{c:02x}{d:02x}...)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    fn sample() -> String {
        let mut next = 0_u8;
        mint("ck", "production", || {
            next = next.wrapping_mul(77).wrapping_add(91);
            next
        })
        .unwrap()
    }

    #[test]
    fn what_is_minted_is_read() {
        let text = sample();
        let token = Token::parse(&text).unwrap();
        assert_eq!((token.prefix, token.environment), ("ck", "production"));
        assert_eq!(token.hash(), KeyHash::of(&text));
        assert!(!format!("{token:?}").contains(text.get(20..).unwrap()));
    }

    #[test]
    fn the_checksum_notices_every_single_change() {
        let text = sample();
        for at in 0..text.len() {
            for byte in b'0'..=b'z' {
                let mut changed = text.clone().into_bytes();
                if changed[at] == byte {
                    continue;
                }
                changed[at] = byte;
                let changed = String::from_utf8(changed).unwrap();
                assert!(Token::parse(&changed).is_err(), "{changed}");
            }
        }
    }

    #[test]
    fn what_is_not_a_token_is_refused_by_cause() {
        let text = sample();
        let parse = |text: &str| Token::parse(text).unwrap_err();
        assert_eq!(parse(""), TokenError::Form);
        assert_eq!(parse("ck_production"), TokenError::Form);
        assert_eq!(parse("CK_production_x"), TokenError::Word);
        assert_eq!(parse("ck_production_short"), TokenError::Length);
        assert_eq!(parse("ck_production_é"), TokenError::Character);
        assert_eq!(parse(text.get(..text.len() - 1).unwrap()), TokenError::Length);
        assert_eq!(parse(&"a".repeat(257)), TokenError::TooLong);
        assert_eq!(parse(&format!("{text}0")), TokenError::Length);
        assert_eq!(mint("ck", "Prod", || 0).unwrap_err(), TokenError::Word);
    }

    #[test]
    fn bytes_that_would_favour_a_character_are_passed_over() {
        let mut bytes = [255, 248, 61].into_iter().cycle();
        let text = mint("ck", "dev", || bytes.next().unwrap()).unwrap();
        assert!(text.starts_with(&format!("ck_dev_{}", "z".repeat(RANDOM_LEN))), "{text}");
    }

    #[test]
    fn a_hash_is_read_as_it_is_written() {
        let hash = KeyHash::of("x");
        assert_eq!(KeyHash::from_hex(&format!("{hash}")), Some(hash));
        assert_eq!(KeyHash::from_hex("00"), None);
        assert_eq!(KeyHash::from_hex(&"g".repeat(64)), None);
    }
}
