//! Fresh tokens and ids.

use crate::error::IssueError;
use cedarkey_engine::token;
use jiff::Timestamp;
use ulid::Ulid;
use zeroize::Zeroizing;

/// A token of fresh randomness.
pub(crate) fn mint(prefix: &str, environment: &str) -> Result<Zeroizing<String>, IssueError> {
    let mut pool = Zeroizing::new([0_u8; 64]);
    let mut left = 0_usize;
    let mut failure = None;
    let random = || {
        if left == 0 {
            // Without randomness no token is made: what it would hold is thrown away below.
            failure = getrandom::fill(pool.as_mut_slice()).err().or(failure);
            left = pool.len();
        }
        left = left.saturating_sub(1);
        if failure.is_some() { 0 } else { pool.get(left).copied().unwrap_or_default() }
    };
    let token = token::mint(prefix, environment, random);
    if let Some(error) = failure {
        return Err(IssueError::Random(error));
    }
    let word = |error| crate::RuleError::Word(prefix.into(), error);
    token.map(Zeroizing::new).map_err(|error| word(error).into())
}

/// A key's id: it sorts by the time of issue.
pub(crate) fn new_id(now: Timestamp) -> Result<String, IssueError> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(IssueError::Random)?;
    let millis = u64::try_from(now.as_millisecond()).unwrap_or_default();
    Ok(Ulid::from_parts(millis, u128::from_le_bytes(random)).to_string())
}
