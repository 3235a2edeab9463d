//! Who changes something, and why.

use crate::error::RuleError;
use jiff::{SignedDuration, Span, SpanRound, Timestamp, Unit};

/// What the audit keeps of a change besides what it changes.
#[derive(Clone, Debug)]
pub struct Change {
    /// Who does it.
    pub actor: String,
    /// Why; some changes must have a reason.
    pub reason: String,
    /// When, as this machine's clock has it, in whole seconds.
    pub now: Timestamp,
    /// The same with its fraction: ids sort by it.
    pub(crate) exact: Timestamp,
    /// Whether a second person has to approve what lets a key do more, or live longer.
    pub approval: bool,
    /// What has approved of a key that is issued, if not whoever does it.
    pub(crate) approver: Option<String>,
}

// === impl Change ===

impl Change {
    /// A change by somebody for a reason.
    pub fn new(actor: impl Into<String>, reason: impl Into<String>, now: Timestamp) -> Self {
        let (actor, reason) = (actor.into(), reason.into());
        Self { actor, reason, now: whole(now), exact: now, approval: false, approver: None }
    }

    /// It, where a second person may have to approve.
    #[must_use]
    pub fn with_approval(self, approval: bool) -> Self {
        Self { approval, ..self }
    }

    /// It, approved of by something else than whoever does it.
    #[must_use]
    pub fn approved_by(self, approver: String) -> Self {
        Self { approver: Some(approver), ..self }
    }

    /// Whether it can be kept as it is.
    pub(crate) fn check(&self) -> Result<(), RuleError> {
        let texts = [("an actor", &self.actor), ("a reason", &self.reason)];
        match texts.iter().find(|(_, text)| text.contains(char::is_control)) {
            Some((what, _)) => Err(RuleError::Control(what)),
            None => Ok(()),
        }
    }

    /// The reason, if there is one.
    pub(crate) fn reason(&self) -> Option<String> {
        Some(self.reason.trim()).filter(|reason| !reason.is_empty()).map(String::from)
    }
}

/// The registry keeps whole seconds.
pub(crate) fn whole(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// A length of time as people say it, with days of 24 hours: `29d 23h`.
pub fn spoken(length: SignedDuration) -> String {
    let round = SpanRound::new().largest(Unit::Day).smallest(Unit::Second).days_are_24_hours();
    let span = Span::try_from(length).and_then(|span| span.round(round));
    span.map_or_else(|_| format!("{length:#}"), |span| format!("{span:#}"))
}

#[cfg(test)]
mod tests {
    use super::spoken;
    use jiff::SignedDuration;

    #[test]
    fn lengths_are_said_in_days() {
        let said = |seconds| spoken(SignedDuration::from_secs(seconds));
        assert_eq!(said(7 * 86_400), "7d");
        assert_eq!(said(30 * 86_400 - 17), "29d 23h 59m 43s");
        assert_eq!(said(60), "1m");
        assert_eq!(said(0), "0s");
    }
}
