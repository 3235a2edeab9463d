//! `duration`: a length of time in milliseconds.

use super::{ExtError, digits};

/// The units in the order in which they must be written, with their milliseconds.
const UNITS: [(&str, i64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Reads a duration such as `1d2h3m4s50ms` or `-90m`; gives it in milliseconds.
///
/// # Errors
///
/// Where it is no sequence of quantities in the order of their units, or out of range.
pub fn parse(text: &str) -> Result<i64, ExtError> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1_i128, rest),
        None => (1, text),
    };
    if rest.is_empty() {
        return Err(ExtError::Form);
    }
    let mut units = UNITS.iter();
    let mut total = 0_i128;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit()).ok_or(ExtError::Form)?;
        let (quantity, tail) = rest.split_at_checked(end).ok_or(ExtError::Form)?;
        let after = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, next) = tail.split_at_checked(after).ok_or(ExtError::Form)?;
        let (_, length) = units.find(|(name, _)| *name == unit).ok_or(ExtError::Form)?;
        let part = i128::from(digits(quantity)?).checked_mul(i128::from(*length));
        let part = part.ok_or(ExtError::Range)?;
        total = total.checked_add(part).ok_or(ExtError::Range)?;
        rest = next;
    }
    let signed = total.checked_mul(sign).and_then(|total| i64::try_from(total).ok());
    signed.ok_or(ExtError::Range)
}

/// `toMilliseconds`
pub fn to_milliseconds(length: i64) -> i64 {
    length
}

/// `toSeconds`, towards zero.
pub fn to_seconds(length: i64) -> i64 {
    length / 1_000
}

/// `toMinutes`, towards zero.
pub fn to_minutes(length: i64) -> i64 {
    length / 60_000
}

/// `toHours`, towards zero.
pub fn to_hours(length: i64) -> i64 {
    length / 3_600_000
}

/// `toDays`, towards zero.
pub fn to_days(length: i64) -> i64 {
    length / 86_400_000
}
