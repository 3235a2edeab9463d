//! The engine against `cedar-policy`, on cases that the fuzzer makes.

use cedarkey_differential::compare::{compare, unaltered};
use cedarkey_differential::generate;

/// Makes a case of bytes and compares; tells whether some request was answered. What is found goes
/// into `cargo xtask differential --bytes`, which makes it small and keeps it.
pub fn run(bytes: &[u8]) -> bool {
    let outcome = compare(&generate::case(bytes), &unaltered);
    assert!(
        outcome.finding.is_none(),
        "{}",
        outcome.finding.map(|it| it.to_string()).unwrap_or_default()
    );
    !outcome.answers.is_empty()
}
