//! Waiting for a condition, with a deadline.

use std::{
    thread,
    time::{Duration, Instant},
};
use thiserror::Error;

/// How long to rest between two looks at a condition.
const REST: Duration = Duration::from_millis(2);

/// The condition did not come true in time.
#[derive(Debug, Error)]
#[error("{what}: not within {} s", limit.as_secs_f64())]
pub struct Late {
    what: String,
    limit: Duration,
}

/// Looks every 2 ms until `look` gives a value, at most for `limit`.
///
/// # Errors
///
/// [`Late`], with `what` was waited for.
pub fn until<T>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> Option<T>,
) -> Result<T, Late> {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        if start.elapsed() >= limit {
            return Err(Late { what: what.into(), limit });
        }
        thread::sleep(REST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_until_there_is_a_value() {
        let mut looks = 0..3;
        assert!(until("the end", Duration::from_secs(60), || looks.next().xor(Some(2))).is_ok());
        assert_eq!(until("three", Duration::ZERO, || Some(3)).unwrap(), 3);
    }

    #[test]
    fn says_what_was_late() {
        let late = until("a reply", Duration::from_millis(10), || None::<()>).unwrap_err();
        assert_eq!(late.to_string(), "a reply: not within 0.01 s");
    }
}
