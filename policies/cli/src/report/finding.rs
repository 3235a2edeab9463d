//! One thing that is wrong with one key.

use clap::ValueEnum;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// Something that is wrong with a key.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The rule and the key's id: the same each time.
    pub id: String,
    /// What is wrong.
    pub rule: Rule,
    /// How grave it is.
    pub level: Level,
    /// The key's id.
    pub key: String,
    /// The key's name, if it has one.
    pub name: Option<String>,
    /// Who answers for it.
    pub owner: String,
    /// What is wrong, in words.
    pub message: String,
    /// What to type to put it right.
    pub command: String,
    /// The risk of OWASP's Non-Human Identities Top 10 (2025), if it is one of these.
    pub owasp: Option<&'static str>,
    /// The outcomes of NIST's Cybersecurity Framework 2.0 that it stands against.
    pub nist: &'static [&'static str],
}

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Somebody should act today.
    High,
    /// It should be planned.
    Medium,
    /// It is good to know.
    Low,
}

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// It is a decoy, and somebody has used it.
    DecoyUsed,
    /// It was found where it should not be.
    Leaked,
    /// Nobody answers for it.
    Orphaned,
    /// It is of another environment than where it is.
    CrossEnvironment,
    /// It lives for longer than it may, or for ever.
    LongLived,
    /// One scope of it is many.
    WildcardScope,
    /// It is used by several.
    Shared,
    /// It was never used.
    NeverUsed,
    /// It was not used for a long time.
    Unused,
    /// It may do what it never does.
    Overprivileged,
    /// The same secret has served for a long time.
    NotRotated,
    /// Somebody should have looked whether it is still needed.
    ReviewOverdue,
    /// It ends soon.
    ExpiresSoon,
}

const OFFBOARDING: Option<&str> = Some("NHI1:2025 Improper Offboarding");
const LONG_LIVED: Option<&str> = Some("NHI7:2025 Long-Lived Secrets");
const OVERPRIVILEGED: Option<&str> = Some("NHI5:2025 Overprivileged NHI");

/// Identities and credentials are managed.
const MANAGED: &str = "PR.AA-01";

/// Permissions are defined, managed, enforced and reviewed, with least privilege.
const LEAST: &str = "PR.AA-05";

// === impl Level ===

impl Level {
    /// All of them, the gravest first.
    pub const ALL: [Self; 3] = [Self::High, Self::Medium, Self::Low];

    /// How many there are of each.
    pub fn count(levels: impl Iterator<Item = Self>) -> BTreeMap<Self, usize> {
        let mut counts = BTreeMap::from(Self::ALL.map(|level| (level, 0_usize)));
        for level in levels {
            let count = counts.entry(level).or_default();
            *count = count.saturating_add(1);
        }
        counts
    }

    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

// === impl Rule ===

impl Rule {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::DecoyUsed,
        Self::Leaked,
        Self::Orphaned,
        Self::CrossEnvironment,
        Self::LongLived,
        Self::WildcardScope,
        Self::Shared,
        Self::NeverUsed,
        Self::Unused,
        Self::Overprivileged,
        Self::NotRotated,
        Self::ReviewOverdue,
        Self::ExpiresSoon,
    ];

    /// As it is written; stable.
    pub fn word(self) -> &'static str {
        match self {
            Self::CrossEnvironment => "cross-environment",
            Self::DecoyUsed => "decoy-used",
            Self::ExpiresSoon => "expires-soon",
            Self::Leaked => "leaked",
            Self::LongLived => "long-lived",
            Self::NeverUsed => "never-used",
            Self::NotRotated => "not-rotated",
            Self::Orphaned => "orphaned",
            Self::Overprivileged => "overprivileged",
            Self::ReviewOverdue => "review-overdue",
            Self::Shared => "shared",
            Self::Unused => "unused",
            Self::WildcardScope => "wildcard-scope",
        }
    }

    /// How grave it is.
    pub fn level(self) -> Level {
        match self {
            Self::CrossEnvironment
            | Self::DecoyUsed
            | Self::Leaked
            | Self::LongLived
            | Self::Orphaned
            | Self::WildcardScope => Level::High,
            Self::NeverUsed
            | Self::NotRotated
            | Self::Overprivileged
            | Self::ReviewOverdue
            | Self::Shared
            | Self::Unused => Level::Medium,
            Self::ExpiresSoon => Level::Low,
        }
    }

    /// Whether it cannot be seen, or not all of it, unless usage is known.
    pub fn needs_usage(self) -> bool {
        matches!(self, Self::DecoyUsed | Self::NeverUsed | Self::Overprivileged | Self::Unused)
    }

    /// The risk of OWASP's Non-Human Identities Top 10 (2025).
    pub fn owasp(self) -> Option<&'static str> {
        match self {
            Self::CrossEnvironment => Some("NHI8:2025 Environment Isolation"),
            Self::ExpiresSoon => None,
            Self::DecoyUsed | Self::Leaked => Some("NHI2:2025 Secret Leakage"),
            Self::LongLived | Self::NotRotated => LONG_LIVED,
            Self::NeverUsed | Self::Orphaned | Self::ReviewOverdue | Self::Unused => OFFBOARDING,
            Self::Overprivileged | Self::WildcardScope => OVERPRIVILEGED,
            Self::Shared => Some("NHI9:2025 NHI Reuse"),
        }
    }

    /// The outcomes of NIST's Cybersecurity Framework 2.0.
    pub fn nist(self) -> &'static [&'static str] {
        match self {
            Self::CrossEnvironment | Self::ReviewOverdue => &[MANAGED, LEAST],
            Self::Overprivileged | Self::WildcardScope => &[LEAST],
            Self::DecoyUsed
            | Self::ExpiresSoon
            | Self::Leaked
            | Self::LongLived
            | Self::NeverUsed
            | Self::NotRotated
            | Self::Orphaned
            | Self::Shared
            | Self::Unused => &[MANAGED],
        }
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}
