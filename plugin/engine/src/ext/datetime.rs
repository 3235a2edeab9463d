//! `datetime`: an instant in milliseconds since 1970-01-01T00:00:00Z.

use super::{ExtError, digits};

const DAY: i64 = 86_400_000;

/// Reads `YYYY-MM-DD`, or that with `THH:MM:SS`, optionally `.SSS`, and `Z` or an offset (`+0100`).
///
/// # Errors
///
/// Where it is neither, or names a day or time that does not exist.
pub fn parse(text: &str) -> Result<i64, ExtError> {
    let (date, rest) = text.split_at_checked(10).ok_or(ExtError::Form)?;
    let day = parse_date(date)?;
    let midnight = day.checked_mul(DAY).ok_or(ExtError::Range)?;
    if rest.is_empty() {
        return Ok(midnight);
    }
    let (clock, rest) = rest.split_at_checked(9).ok_or(ExtError::Form)?;
    let clock = clock.strip_prefix('T').ok_or(ExtError::Form)?;
    let (hour, minute) = clock.split_at_checked(5).ok_or(ExtError::Form)?;
    let second = bounded(minute.strip_prefix(':').ok_or(ExtError::Form)?, 2, 60)?;
    let (milli, zone) = match rest.strip_prefix('.') {
        Some(rest) => {
            let (milli, zone) = rest.split_at_checked(3).ok_or(ExtError::Form)?;
            (bounded(milli, 3, 1_000)?, zone)
        }
        None => (0, rest),
    };
    let of_day = clock_minutes(hour, ":")?
        .checked_mul(60)
        .and_then(|minutes| minutes.checked_add(second))
        .and_then(|seconds| seconds.checked_mul(1_000))
        .and_then(|millis| millis.checked_add(milli));
    let ahead = parse_zone(zone)?.checked_mul(60_000);
    midnight
        .checked_add(of_day.ok_or(ExtError::Range)?)
        .and_then(|local| local.checked_sub(ahead?))
        .ok_or(ExtError::Range)
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar.
fn parse_date(text: &str) -> Result<i64, ExtError> {
    let mut parts = text.split('-');
    let (Some(year), Some(month), Some(day), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(ExtError::Form);
    };
    let (year, month, day) =
        (bounded(year, 4, 10_000)?, bounded(month, 2, 13)?, bounded(day, 2, 32)?);
    if month < 1 || day < 1 || day > days_in(year, month) {
        return Err(ExtError::Form);
    }
    days_before(year, month).checked_add(day).ok_or(ExtError::Range)
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to the day before the first of a month, so that adding the day of the
/// month gives the day.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "the year lies in 0..10000, the month in 1..=12"
)]
fn days_before(year: i64, month: i64) -> i64 {
    // The years before this one have a leap day each four, but for centuries, but for each fourth.
    let past = year - 1;
    let leaps = past.div_euclid(4) - past.div_euclid(100) + past.div_euclid(400);
    let months: i64 = (1..month).map(|month| days_in(year, month)).sum();
    // 719,163 days lie between 0001-01-01, where `past` is 0, and 1970-01-01; the day of the month
    // counts from 1.
    past * 365 + leaps + months - 719_163
}

/// How far a zone is ahead of UTC, in minutes.
fn parse_zone(text: &str) -> Result<i64, ExtError> {
    if text == "Z" {
        return Ok(0);
    }
    match (text.strip_prefix('+'), text.strip_prefix('-')) {
        (Some(ahead), _) => clock_minutes(ahead, ""),
        (_, Some(behind)) => clock_minutes(behind, "").map(i64::saturating_neg),
        _ => Err(ExtError::Form),
    }
}

/// The minutes of `HH` and `MM`, with something between them.
fn clock_minutes(text: &str, between: &str) -> Result<i64, ExtError> {
    let (hour, rest) = text.split_at_checked(2).ok_or(ExtError::Form)?;
    let minute = rest.strip_prefix(between).ok_or(ExtError::Form)?;
    let (hour, minute) = (bounded(hour, 2, 24)?, bounded(minute, 2, 60)?);
    hour.checked_mul(60).and_then(|hour| hour.checked_add(minute)).ok_or(ExtError::Range)
}

/// So many digits of a number below a bound.
fn bounded(text: &str, len: usize, below: i64) -> Result<i64, ExtError> {
    let number = i64::try_from(digits(text)?).map_err(|_| ExtError::Form)?;
    if text.len() == len && number < below { Ok(number) } else { Err(ExtError::Form) }
}

/// `offset`
///
/// # Errors
///
/// Where the result is out of range.
pub fn offset(at: i64, length: i64) -> Result<i64, ExtError> {
    at.checked_add(length).ok_or(ExtError::Range)
}

/// `durationSince`
///
/// # Errors
///
/// Where the result is out of range.
pub fn duration_since(at: i64, since: i64) -> Result<i64, ExtError> {
    at.checked_sub(since).ok_or(ExtError::Range)
}

/// `toDate`: the midnight at or before an instant.
///
/// # Errors
///
/// Where that is out of range.
pub fn to_date(at: i64) -> Result<i64, ExtError> {
    at.checked_sub(to_time(at)).ok_or(ExtError::Range)
}

/// `toTime`: how long after midnight an instant is.
pub fn to_time(at: i64) -> i64 {
    at.rem_euclid(DAY)
}
