//! How long to wait after a failure.

/// The first wait, in milliseconds.
const FIRST: i64 = 250;

/// The longest wait, in milliseconds.
pub const LONGEST: i64 = 10_000;

/// The longest wait of a proxy that has nothing in force, and so denies every request, in
/// milliseconds.
pub const LONGEST_WITHOUT: i64 = 1_000;

/// Doubles with each failure, up to a limit, with a part of it at random so that proxies that
/// failed together do not try again together.
#[derive(Debug)]
pub struct Backoff {
    wait: i64,
    until: i64,
    random: u64,
}

// === impl Backoff ===

impl Backoff {
    /// No failure yet. `seed` is random.
    pub fn new(seed: u64) -> Self {
        Self { wait: 0, until: i64::MIN, random: seed | 1 }
    }

    /// Whether it is time to try. A wait that is longer than any can be is of a clock that was set
    /// back.
    pub fn is_over(&self, now: i64) -> bool {
        !(1..=LONGEST).contains(&self.until.saturating_sub(now))
    }

    /// It worked.
    pub fn succeeded(&mut self) {
        self.wait = 0;
        self.until = i64::MIN;
    }

    /// Is not over before an instant.
    pub fn not_before(&mut self, at: i64) {
        self.until = self.until.max(at);
    }

    /// It did not. The wait is at most `longest`.
    pub fn failed(&mut self, now: i64, longest: i64) {
        self.wait = self.wait.saturating_mul(2).max(FIRST).min(longest);
        // Xorshift: good enough to spread proxies out.
        self.random ^= self.random.wrapping_shl(13);
        self.random ^= self.random.wrapping_shr(7);
        self.random ^= self.random.wrapping_shl(17);
        let half = self.wait.checked_div(2).unwrap_or_default();
        let part = i64::from((self.random & 0xff) as u8).saturating_mul(half);
        let jitter = part.checked_div(256).unwrap_or_default();
        self.until = now.saturating_add(half).saturating_add(jitter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_limit_and_end_with_success() {
        let mut backoff = Backoff::new(7);
        assert!(backoff.is_over(0));
        let mut waits = Vec::new();
        for _ in 0..10 {
            backoff.failed(1_000, LONGEST);
            waits.push(backoff.until.saturating_sub(1_000));
        }
        assert!(waits.iter().all(|wait| (FIRST / 2..=LONGEST).contains(wait)), "{waits:?}");
        assert!(waits[9] >= LONGEST / 2, "{waits:?}");
        backoff.failed(1_000, LONGEST_WITHOUT);
        assert!(backoff.is_over(1_000 + LONGEST_WITHOUT));
        assert!(!backoff.is_over(1_000));
        backoff.succeeded();
        assert!(backoff.is_over(0));
    }

    #[test]
    fn proxies_that_failed_together_spread_out() {
        let wait = |seed| {
            let mut backoff = Backoff::new(seed);
            (0..6).for_each(|_| backoff.failed(0, LONGEST));
            backoff.until
        };
        assert_ne!(wait(1), wait(0x5eed_0000));
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_prolong_a_wait() {
        let mut backoff = Backoff::new(7);
        backoff.failed(1_000_000, LONGEST);
        assert!(!backoff.is_over(1_000_000));
        assert!(backoff.is_over(0));
    }
}
