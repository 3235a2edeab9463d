//! `decimal`: four digits after the point, in 64 bits.

use super::{ExtError, digits};

const PLACES: usize = 4;
const ONE: i64 = 10_000;

/// Reads a decimal such as `12.34`; gives it in units of 1/10,000.
///
/// # Errors
///
/// Where there are no digits on either side of the point, more than four after it, or the value is
/// out of range.
pub fn parse(text: &str) -> Result<i64, ExtError> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(unsigned) => (true, unsigned),
        None => (false, text),
    };
    let (whole, fraction) = unsigned.split_once('.').ok_or(ExtError::Form)?;
    if fraction.len() > PLACES {
        return Err(ExtError::Form);
    }
    let sign = if negative { -1 } else { 1 };
    let whole = i128::from(digits(whole)?).checked_mul(i128::from(ONE)).ok_or(ExtError::Range)?;
    let missing = PLACES.saturating_sub(fraction.len());
    let scale = 10_i128.checked_pow(missing as u32).ok_or(ExtError::Range)?;
    let fraction = i128::from(digits(fraction)?).checked_mul(scale).ok_or(ExtError::Range)?;
    let value = whole.checked_add(fraction).and_then(|value| value.checked_mul(sign));
    value.and_then(|value| i64::try_from(value).ok()).ok_or(ExtError::Range)
}
